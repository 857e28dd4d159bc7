import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSettings } from '../config/settings.js';
import type { ChatAnswer, EmbeddingAnswer } from './gateway.types.js';
import { LitellmClient } from './litellm.client.js';
import type { UpstreamResult } from './upstream-result.js';
import { makeUsage } from './usage.fixture.js';

interface Received {
  readonly path: string | undefined;
  readonly timeout: unknown;
  readonly body: unknown;
}

let server: Server;
let handler: (response: ServerResponse) => void | Promise<void>;
let received: Received[];
let client: LitellmClient;

beforeEach(async () => {
  received = [];
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(pieces).toString());
      received.push({ path: request.url, timeout: request.headers['x-litellm-timeout'], body });
      void handler(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const litellmBaseUrl = `http://127.0.0.1:${String(port)}`;
  client = new LitellmClient({ ...parseSettings({}), litellmBaseUrl });
});

afterEach(async () => {
  await client.abandon();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ATTEMPT = {
  attemptId: 'attempt-1',
  modelName: 'a-model',
  correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
};

function complete({ timeoutMs = 5_000 } = {}): Promise<UpstreamResult<ChatAnswer>> {
  const messages = [{ role: 'user', content: 'y'.repeat(40) }];
  return client.complete({ ...ATTEMPT, request: { messages, parameters: { seed: 7 } }, timeoutMs });
}

function embed(input: string | number[], parameters = {}): Promise<UpstreamResult<EmbeddingAnswer>> {
  return client.embed({ ...ATTEMPT, request: { input, parameters }, timeoutMs: 5_000 });
}

function answering(body: unknown, headers: Record<string, string> = {}, status = 200) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const CHOICES = [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }];

describe('an answer that comes whole', () => {
  it('is asked for by our own words only, and has usage and cost', async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
    handler = answering({ choices: CHOICES, usage }, { 'x-litellm-response-cost': '0.25' });
    const result = await complete({ timeoutMs: 10_000 });

    // 95 of 100 parts of 10 seconds.
    expect(received).toEqual([
      {
        path: '/v1/chat/completions',
        timeout: '9.5',
        body: { seed: 7, model: 'a-model', messages: [{ role: 'user', content: 'y'.repeat(40) }] },
      },
    ]);
    expect(result).toEqual({
      answer: { choices: CHOICES },
      failure: null,
      upstreamStatus: 200,
      upstreamError: null,
      usage: makeUsage({ inputTokens: 9, outputTokens: 3 }),
      cost: { costUsd: '0.25', source: 'upstream_header', text: '0.25' },
      firstByteMs: expect.any(Number),
      retryAfterMs: null,
    });
  });

  it('without usage has a guess', async () => {
    handler = answering({ choices: CHOICES });

    // 40 characters and the 5 of "Hello", four to a token.
    expect((await complete()).usage).toEqual({
      ...makeUsage({ inputTokens: 10, outputTokens: 2 }),
      isEstimated: true,
    });
  });

  it('without a header has the cost that its usage tells', async () => {
    handler = answering({ choices: CHOICES, usage: { prompt_tokens: 9, completion_tokens: 3, cost: 0.5 } });

    expect((await complete()).cost).toEqual({ costUsd: '0.5', source: 'upstream_usage', text: '0.5' });
  });

  it('that holds none may be billed all the same', async () => {
    handler = answering({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 3, cost: 0.5 } });

    expect(await complete()).toMatchObject({
      answer: null,
      failure: 'malformed_answer',
      usage: { promptTokens: 9 },
      cost: { costUsd: '0.5' },
      firstByteMs: null,
    });
  });

  it.each([
    ['by a lost connection', 'connection_failed', 5_000],
    ['by its time', 'timeout', 60],
  ])('and breaks off %s has a guess of what was asked', async (_, failure, timeoutMs) => {
    handler = async (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"choices":');
      await sleep(20);
      if (failure === 'connection_failed') response.destroy();
    };

    expect(await complete({ timeoutMs })).toMatchObject({
      failure,
      upstreamStatus: 200,
      usage: { promptTokens: 10, completionTokens: 1, isEstimated: true },
      cost: { source: 'unpriced' },
    });
  });

  it('and is an error has no usage, and how long it asks to be left alone', async () => {
    handler = answering({ error: { message: 'no' } }, { 'llm_provider-retry-after': '3' }, 503);

    expect(await complete()).toMatchObject({ failure: 'upstream_error', usage: null, retryAfterMs: 3_000 });
  });
});

describe('embeddings', () => {
  it('are asked for by our own words only, and have index and numbers', async () => {
    handler = answering({
      object: 'list',
      model: 'provider/model',
      data: [
        { object: 'embedding', index: 1, embedding: [0.5, -1] },
        { object: 'embedding', index: 0, embedding: 'AACAPw==' },
        { embedding: [0] },
      ],
      usage: { prompt_tokens: 8, total_tokens: 8 },
    });
    const result = await embed('Hi', { dimensions: 2 });

    expect(received).toMatchObject([
      { path: '/v1/embeddings', body: { dimensions: 2, model: 'a-model', input: 'Hi' } },
    ]);
    expect(result.answer).toEqual({
      data: [
        { index: 1, embedding: [0.5, -1] },
        { index: 0, embedding: 'AACAPw==' },
        { index: 2, embedding: [0] },
      ],
    });
    expect(result.usage).toEqual(makeUsage({ inputTokens: 8 }));
  });

  it.each<[string | number[], number]>([
    ['y'.repeat(9), 3],
    [[1, 2, 3, 4, 5], 5],
  ])('of %j without usage have a guess of %d tokens', async (input, tokens) => {
    handler = answering({ data: [{ index: 0, embedding: [1] }] });

    expect((await embed(input)).usage).toEqual({ ...makeUsage({ inputTokens: tokens }), isEstimated: true });
  });

  it.each([
    {},
    { data: [] },
    { data: [{ index: 0 }] },
    { data: [{ embedding: [] }] },
    { data: [{ embedding: ['x'] }] },
  ])('are not %j', async (body) => {
    handler = answering(body);

    expect((await embed('Hi')).failure).toBe('malformed_answer');
  });
});
