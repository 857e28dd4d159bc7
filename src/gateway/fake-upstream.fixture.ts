import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSettings, type Settings } from '../config/settings.js';
import type { ChatChunk } from './gateway.types.js';
import { LitellmClient } from './litellm.client.js';
import type { StreamOpening } from './litellm.stream.js';
import type { FailedResult } from './upstream-result.js';
import type { UpstreamStream } from './upstream-stream.js';

export type Handler = (response: ServerResponse) => void | Promise<void>;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** For tests: an upstream that answers as it is told, and a client of it. */
export class FakeUpstream {
  handler: Handler = (response) => {
    response.end();
  };
  readonly received: Received[] = [];
  private readonly server: Server;
  private client: LitellmClient | null = null;

  constructor() {
    this.server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>;
        this.received.push({ headers: request.headers, body });
        void this.handler(response);
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    await this.client?.abandon();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Of the client that has been asked last. */
  async abandon(): Promise<void> {
    await this.client?.abandon();
  }

  /** Asks by a client of its own, unless the last one is to be asked again. */
  open(
    changes: Partial<Settings> = {},
    { timeoutMs = 5_000, prompt = 'Hello, you', isAgain = false } = {},
  ): Promise<StreamOpening> {
    const { port } = this.server.address() as AddressInfo;
    const litellmBaseUrl = `http://127.0.0.1:${String(port)}`;
    if (!isAgain || this.client === null) {
      this.client = new LitellmClient({ ...parseSettings({}), litellmBaseUrl, ...changes });
    }
    return this.client.stream({
      attemptId: 'attempt-1',
      modelName: 'a-model',
      request: { messages: [{ role: 'user', content: prompt }], parameters: { n: 1 } },
      correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
      timeoutMs,
    });
  }
}

export async function openedOf(opening: Promise<StreamOpening>): Promise<UpstreamStream> {
  const opened = await opening;
  if (opened.status === 'failed') throw new Error(`It failed: ${JSON.stringify(opened.result)}`);
  return opened.stream;
}

export async function failedOf(opening: Promise<StreamOpening>): Promise<FailedResult> {
  const opened = await opening;
  if (opened.status === 'opened') throw new Error('It opened.');
  return opened.result;
}

export async function readAll(stream: UpstreamStream): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const read of stream) chunks.push(...read);
  return chunks;
}

export function textOf(chunks: readonly ChatChunk[]): string {
  return chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('');
}

export function frame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

export function content(text: string): string {
  return frame({
    id: 'x',
    model: 'm',
    choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
  });
}

export const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, cost: 0.5 };
export const FINISH = frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
export const USAGE_FRAME = frame({ choices: [], usage: USAGE });
export const DONE = 'data: [DONE]\n\n';

export function startEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** Everything at once, and then the end. */
export function answering(text: string): Handler {
  return (response) => {
    startEvents(response);
    response.end(text);
  };
}

/** In several writes, each of which arrives by itself. */
export function writing(...pieces: readonly (string | Buffer)[]): Handler {
  return async (response) => {
    startEvents(response);
    for (const piece of pieces) {
      response.write(piece);
      await sleep(5);
    }
    response.end();
  };
}
