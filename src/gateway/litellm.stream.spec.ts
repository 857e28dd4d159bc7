import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSettings, type Settings } from '../config/settings.js';
import type { ChatChunk } from './gateway.types.js';
import { LitellmClient } from './litellm.client.js';
import type { StreamOpening } from './litellm.stream.js';
import type { UpstreamStream } from './upstream-stream.js';
import { makeUsage } from './usage.fixture.js';

type Handler = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

let server: Server;
let handler: Handler;
let received: Received[];
let client: LitellmClient;

beforeEach(async () => {
  received = [];
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>;
      received.push({ headers: request.headers, body });
      void handler(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await client.abandon();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(
  changes: Partial<Settings> = {},
  { timeoutMs = 5_000, prompt = 'Hello, you' } = {},
): Promise<StreamOpening> {
  const { port } = server.address() as AddressInfo;
  const litellmBaseUrl = `http://127.0.0.1:${String(port)}`;
  client = new LitellmClient({ ...parseSettings({}), litellmBaseUrl, ...changes });
  return client.stream({
    attemptId: 'attempt-1',
    modelName: 'a-model',
    request: { messages: [{ role: 'user', content: prompt }], parameters: { n: 1 } },
    correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
    timeoutMs,
  });
}

async function openedOf(opening: Promise<StreamOpening>): Promise<UpstreamStream> {
  const opened = await opening;
  if (opened.status === 'failed') throw new Error(`It failed: ${JSON.stringify(opened.result)}`);
  return opened.stream;
}

async function failedOf(opening: Promise<StreamOpening>) {
  const opened = await opening;
  if (opened.status === 'opened') throw new Error('It opened.');
  return opened.result;
}

async function readAll(stream: UpstreamStream): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const read of stream) chunks.push(...read);
  return chunks;
}

function textOf(chunks: readonly ChatChunk[]): string {
  return chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('');
}

function frame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function content(text: string): string {
  return frame({
    id: 'x',
    model: 'm',
    choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
  });
}

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, cost: 0.5 };
const FINISH = frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const USAGE_FRAME = frame({ choices: [], usage: USAGE });
const DONE = 'data: [DONE]\n\n';

function startEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** Everything at once, and then the end. */
function answering(text: string): Handler {
  return (response) => {
    startEvents(response);
    response.end(text);
  };
}

/** In several writes, each of which arrives by itself. */
function writing(...pieces: readonly (string | Buffer)[]): Handler {
  return async (response) => {
    startEvents(response);
    for (const piece of pieces) {
      response.write(piece);
      await sleep(5);
    }
    response.end();
  };
}

describe('a stream', () => {
  it('is asked for with its usage, and for as long as the longer of our silences', async () => {
    handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    await readAll(await openedOf(open({ streamIdleTimeoutMs: 20_000 })));

    expect(received[0]?.body).toEqual({
      n: 1,
      model: 'a-model',
      messages: [{ role: 'user', content: 'Hello, you' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    // 95 of 100 parts of 20 seconds.
    expect(received[0]?.headers['x-litellm-timeout']).toBe('19');
  });

  it('is passed on piece by piece, with usage and cost kept apart', async () => {
    handler = writing(content('Hel'), content('lo'), FINISH, USAGE_FRAME, DONE);
    const stream = await openedOf(open());

    expect(await readAll(stream)).toEqual([
      { choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }] },
      { choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ]);
    expect(await stream.outcome).toEqual({
      status: 'succeeded',
      failure: null,
      upstreamStatus: 200,
      upstreamError: null,
      usage: makeUsage({ inputTokens: 9, outputTokens: 3 }),
      cost: { costUsd: '0.5', source: 'upstream_usage', text: '0.5' },
      firstByteMs: expect.any(Number),
    });
  });

  it('may be cut anywhere, in a frame and in a character', async () => {
    const whole = Buffer.from(`\uFEFF${content('Grüße 🎉')}${FINISH}${USAGE_FRAME}${DONE}`);
    for (const size of [1, 2, 3, 7, 64]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size));
      handler = (response) => {
        startEvents(response);
        for (const piece of pieces) response.write(piece);
        response.end();
      };
      expect(textOf(await readAll(await openedOf(open())))).toBe('Grüße 🎉');
    }
  });

  it('may have frames that end in CRLF, comments, and fields that nobody knows', async () => {
    const lines = [
      ': ping',
      'event: message',
      'vendor: x',
      content('Hi').trim(),
      '',
      FINISH.trim(),
      '',
      DONE.trim(),
    ];
    handler = answering(`${lines.join('\r\n')}\r\n\r\n`);
    const stream = await openedOf(open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect((await stream.outcome).status).toBe('succeeded');
  });

  it('without usage has a guess of its prompt and of what came', async () => {
    handler = answering(content('x'.repeat(9)) + FINISH + DONE);
    const stream = await openedOf(open({}, { prompt: 'y'.repeat(40) }));
    await readAll(stream);

    // 40 and 9 characters, four to a token.
    expect((await stream.outcome).usage).toEqual({
      ...makeUsage({ inputTokens: 10, outputTokens: 3 }),
      isEstimated: true,
    });
    expect((await stream.outcome).cost).toEqual({ costUsd: null, source: 'unpriced', text: null });
  });

  it.each([
    [
      'in the last of several frames',
      frame({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }) + USAGE_FRAME,
    ],
    ['beside content', frame({ choices: [{ index: 0, delta: { content: '!' } }], usage: USAGE })],
    ['in the field of Groq', frame({ choices: [], x_groq: { id: 'req_1', usage: USAGE } })],
    [
      'before one of zeros',
      USAGE_FRAME + frame({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0 } }),
    ],
  ])('has its usage %s', async (_, frames) => {
    handler = answering(content('Hi') + frames + FINISH + DONE);
    const stream = await openedOf(open());
    await readAll(stream);

    expect((await stream.outcome).usage).toEqual(makeUsage({ inputTokens: 9, outputTokens: 3 }));
    expect((await stream.outcome).cost.costUsd).toBe('0.5');
  });

  it('that came whole, as from an upstream that knows no streams, is one piece', async () => {
    const message = {
      role: 'assistant',
      content: 'Hi',
      tool_calls: [{ id: 'a', function: { name: 'f', arguments: '' } }],
    };
    handler = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-litellm-response-cost': '0.25' });
      response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage: USAGE }));
    };
    const stream = await openedOf(open());

    expect(await readAll(stream)).toEqual([
      {
        choices: [
          {
            index: 0,
            delta: {
              role: 'assistant',
              content: 'Hi',
              tool_calls: [
                {
                  index: 0,
                  id: expect.stringMatching(/^[A-Za-z0-9]{9}$/),
                  type: 'function',
                  function: { name: 'f', arguments: '' },
                },
              ],
            },
            finish_reason: 'stop',
          },
        ],
      },
    ]);
    expect(await stream.outcome).toMatchObject({
      status: 'succeeded',
      usage: { promptTokens: 9 },
      cost: { costUsd: '0.25', source: 'upstream_header' },
    });
  });

  it('is not read ahead of whoever asks', async () => {
    let written = 0;
    handler = (response) => {
      startEvents(response);
      const text = content('x'.repeat(10_000));
      const write = (): void => {
        while (written < 50_000_000 && response.write(text)) written += text.length;
        if (written < 50_000_000) response.once('drain', write);
      };
      write();
    };
    const stream = await openedOf(open({ upstreamMaxAnswerBytes: 1_000_000_000 }));
    let before = -1;
    while (before !== written) {
      before = written;
      await sleep(30);
    }

    // The buffers of two sockets are full, and there it rests.
    expect(written).toBeLessThan(50_000_000);
    stream.cancel();
  });
});

describe('a stream that breaks off', () => {
  it.each<[string, string, 'succeeded' | 'partial']>([
    ['with nothing finished is partial', content('Hi'), 'partial'],
    ['finished and without usage is partial', content('Hi') + FINISH, 'partial'],
    ['with usage and not finished is partial', content('Hi') + USAGE_FRAME, 'partial'],
    ['finished and with usage has succeeded', content('Hi') + FINISH + USAGE_FRAME, 'succeeded'],
    [
      'finished and with usage has succeeded, its last line being cut',
      `${content('Hi')}${FINISH}${USAGE_FRAME}data: [DO`,
      'succeeded',
    ],
  ])('%s', async (_, frames, status) => {
    handler = answering(frames);
    const stream = await openedOf(open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect(await stream.outcome).toMatchObject({
      status,
      failure: status === 'succeeded' ? null : 'stream_broken',
    });
  });

  it('by a lost connection is partial, with a guess', async () => {
    handler = async (response) => {
      startEvents(response);
      response.write(content('Hello'));
      await sleep(10);
      response.destroy();
    };
    const stream = await openedOf(open());
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({
      status: 'partial',
      failure: 'stream_broken',
      usage: { promptTokens: 3, completionTokens: 2, isEstimated: true },
      cost: { source: 'unpriced' },
    });
  });

  it('by an error inside is partial, with the words kept for the admin', async () => {
    const error = { message: 'litellm.MidStreamFallbackError: x', type: null, param: null, code: '500' };
    handler = answering(content('Hi') + frame({ error }));
    const stream = await openedOf(open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect(await stream.outcome).toMatchObject({
      status: 'partial',
      failure: 'stream_broken',
      upstreamError: 'litellm.MidStreamFallbackError: x',
    });
  });

  it.each<[string, string, Partial<Settings>]>([
    ['by a frame that is no JSON', 'data: {"choices": [\n\n', {}],
    ['by a frame that is too large', content('x'.repeat(2_000)), { upstreamMaxFrameBytes: 1_024 }],
    ['by a line without an end', `data: ${'x'.repeat(2_000)}`, { upstreamMaxFrameBytes: 1_024 }],
    [
      'by more bytes than an answer may have',
      content('x'.repeat(500)).repeat(4),
      { upstreamMaxAnswerBytes: 1_024 },
    ],
  ])('%s is malformed', async (_, rest, changes) => {
    handler = writing(content('Hi'), rest, DONE);
    const stream = await openedOf(open(changes));
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'malformed_answer' });
  });

  it.each<[string, Partial<Settings>]>([
    ['that says nothing more', { streamIdleTimeoutMs: 40 }],
    ['that takes too long', { streamMaxDurationMs: 40 }],
  ])('%s has timed out, pings or not', async (_, changes) => {
    handler = async (response) => {
      startEvents(response);
      response.write(content('Hi'));
      while (!response.destroyed) {
        response.write(': ping\n\n');
        await sleep(5);
      }
    };
    const stream = await openedOf(open(changes));
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'timeout' });
  });

  it('does not do so while its reader takes its time', async () => {
    handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    const stream = await openedOf(open({ streamIdleTimeoutMs: 20 }));
    await sleep(60);
    await readAll(stream);

    expect((await stream.outcome).status).toBe('succeeded');
  });

  it('ends when it has lasted too long, although nobody reads', async () => {
    handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(open({ streamMaxDurationMs: 30 }));

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'timeout' });
    expect(await readAll(stream)).toEqual([]);
  });

  it('by a shutdown is partial, and nothing is sent after it', async () => {
    handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(open());
    const reading = readAll(stream);
    await client.abandon();
    await reading;

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'stream_broken' });
  });
});

describe('a canceled stream', () => {
  it.each<[string, (stream: UpstreamStream) => unknown]>([
    [
      'by its reader',
      (stream) => {
        stream.cancel();
      },
    ],
    [
      'by leaving the loop',
      async (stream) => {
        for await (const _ of stream) break;
      },
    ],
  ])('%s lets go of the upstream, and has a guess', async (_, cancel) => {
    const closed = Promise.withResolvers<undefined>();
    handler = (response) => {
      startEvents(response);
      response.write(content('Hello'));
      response.once('close', () => {
        closed.resolve(undefined);
      });
    };
    const stream = await openedOf(open());
    await cancel(stream);

    expect(await stream.outcome).toMatchObject({
      status: 'canceled',
      failure: 'client_disconnected',
      usage: { promptTokens: 3, completionTokens: 2, isEstimated: true },
    });
    expect(await readAll(stream)).toEqual([]);
    await closed.promise;
  });

  it('while it is being read ends the reading', async () => {
    handler = (response) => {
      startEvents(response);
      response.write(content('Hello'));
    };
    const stream = await openedOf(open());
    const reading = readAll(stream);
    setTimeout(() => {
      stream.cancel();
    }, 10);

    expect(textOf(await reading)).toBe('Hello');
    expect((await stream.outcome).status).toBe('canceled');
  });

  it('has the usage that had come', async () => {
    handler = (response) => {
      startEvents(response);
      response.write(content('Hello') + USAGE_FRAME);
    };
    const stream = await openedOf(open());
    await stream.next();
    stream.cancel();

    expect((await stream.outcome).usage).toEqual(makeUsage({ inputTokens: 9, outputTokens: 3 }));
  });

  it('after its end has not been canceled', async () => {
    handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    const stream = await openedOf(open());
    await readAll(stream);
    stream.cancel();

    expect((await stream.outcome).status).toBe('succeeded');
  });
});

describe('a stream that does not begin', () => {
  it.each<[string, object, string]>([
    ['a limit', { message: 'slow down', code: '429' }, 'rate_limited'],
    ['a request', { message: 'litellm.BadRequestError: no', code: 400 }, 'request_rejected'],
    [
      'a context window',
      { message: 'litellm.ContextWindowExceededError: no', code: '400' },
      'context_window_exceeded',
    ],
    ['itself', { message: 'overloaded', type: 'overloaded_error' }, 'upstream_error'],
  ])('because its first frame is an error about %s has failed for that', async (_, error, failure) => {
    handler = answering(frame({ error }));

    expect(await failedOf(open())).toMatchObject({
      failure,
      upstreamStatus: 200,
      cost: { source: 'unpriced' },
    });
  });

  it('because an error came as a whole, under 200, has failed for that', async () => {
    handler = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"slow down","code":"429"}}');
    };

    expect(await failedOf(open())).toMatchObject({ failure: 'rate_limited', upstreamError: 'slow down' });
  });

  it('because of a status has failed for that, with how long it asks to be left alone', async () => {
    handler = (response) => {
      response.writeHead(429, { 'retry-after': '7', 'x-litellm-response-cost': '0' });
      response.end('{"error":{"message":"litellm.RateLimitError: slow down"}}');
    };

    expect(await failedOf(open())).toMatchObject({
      failure: 'rate_limited',
      upstreamStatus: 429,
      retryAfterMs: 7_000,
      cost: { costUsd: '0', source: 'upstream_header' },
    });
  });

  it('in time, pings or not, has timed out', async () => {
    handler = (response) => {
      startEvents(response);
      response.write(`: ping\n\n${frame({ choices: [{ index: 0, delta: {}, finish_reason: null }] })}`);
    };

    expect(await failedOf(open({}, { timeoutMs: 40 }))).toMatchObject({
      failure: 'timeout',
      upstreamError: null,
    });
  });

  it.each<[string, string, string]>([
    ['has no words in it', USAGE_FRAME + DONE, 'malformed_answer'],
    ['ends at once', '', 'stream_broken'],
    ['is no stream', '<html></html>', 'stream_broken'],
    ['is no JSON', 'data: hello\n\n', 'malformed_answer'],
  ])('because it %s has failed', async (_, frames, failure) => {
    handler = answering(frames);

    expect(await failedOf(open())).toMatchObject({ failure, upstreamStatus: 200 });
  });

  it('for want of an upstream was not sent', async () => {
    handler = answering('');
    const result = await failedOf(open({ litellmBaseUrl: 'http://127.0.0.1:9' }));

    expect(result).toMatchObject({ failure: 'connection_failed', cost: { source: 'not_sent' } });
  });

  it('after a shutdown was not sent', async () => {
    handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    await readAll(await openedOf(open()));
    await client.abandon();
    const opening = client.stream({
      attemptId: 'attempt-2',
      modelName: 'a-model',
      request: { messages: [], parameters: {} },
      correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
      timeoutMs: 1_000,
    });

    expect(await failedOf(opening)).toMatchObject({
      failure: 'connection_failed',
      cost: { source: 'not_sent' },
    });
    expect(received).toHaveLength(1);
  });
});
