import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  FakeUpstream,
  answering,
  content,
  DONE,
  failedOf,
  FINISH,
  frame,
  openedOf,
  readAll,
  startEvents,
  textOf,
  USAGE,
  USAGE_FRAME,
  writing,
} from './fake-upstream.fixture.js';
import { makeUsage } from './usage.fixture.js';

let upstream: FakeUpstream;

beforeEach(async () => {
  upstream = new FakeUpstream();
  await upstream.start();
});

afterEach(async () => {
  await upstream.stop();
});

describe('a stream', () => {
  it('is asked for with its usage, and for as long as the longer of our silences', async () => {
    upstream.handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    await readAll(await openedOf(upstream.open({ streamIdleTimeoutMs: 20_000 })));

    expect(upstream.received[0]?.body).toEqual({
      n: 1,
      model: 'a-model',
      messages: [{ role: 'user', content: 'Hello, you' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    // 95 of 100 parts of 20 seconds.
    expect(upstream.received[0]?.headers['x-litellm-timeout']).toBe('19');
  });

  it('is passed on piece by piece, with usage and cost kept apart', async () => {
    upstream.handler = writing(content('Hel'), content('lo'), FINISH, USAGE_FRAME, DONE);
    const stream = await openedOf(upstream.open());

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
      upstream.handler = (response) => {
        startEvents(response);
        for (const piece of pieces) response.write(piece);
        response.end();
      };
      expect(textOf(await readAll(await openedOf(upstream.open())))).toBe('Grüße 🎉');
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
    upstream.handler = answering(`${lines.join('\r\n')}\r\n\r\n`);
    const stream = await openedOf(upstream.open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect((await stream.outcome).status).toBe('succeeded');
  });

  it('without usage has a guess of its prompt and of what came', async () => {
    upstream.handler = answering(content('x'.repeat(9)) + FINISH + DONE);
    const stream = await openedOf(upstream.open({}, { prompt: 'y'.repeat(40) }));
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
    upstream.handler = answering(content('Hi') + frames + FINISH + DONE);
    const stream = await openedOf(upstream.open());
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
    upstream.handler = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-litellm-response-cost': '0.25' });
      response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage: USAGE }));
    };
    const stream = await openedOf(upstream.open());

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
    upstream.handler = (response) => {
      startEvents(response);
      const text = content('x'.repeat(10_000));
      const write = (): void => {
        while (written < 50_000_000 && response.write(text)) written += text.length;
        if (written < 50_000_000) response.once('drain', write);
      };
      write();
    };
    const stream = await openedOf(upstream.open({ upstreamMaxAnswerBytes: 1_000_000_000 }));
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
    upstream.handler = answering(frame({ error }));

    expect(await failedOf(upstream.open())).toMatchObject({
      failure,
      upstreamStatus: 200,
      cost: { source: 'unpriced' },
    });
  });

  it('because an error came as a whole, under 200, has failed for that', async () => {
    upstream.handler = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"slow down","code":"429"}}');
    };

    expect(await failedOf(upstream.open())).toMatchObject({
      failure: 'rate_limited',
      upstreamError: 'slow down',
    });
  });

  it('because of a status has failed for that, with how long it asks to be left alone', async () => {
    upstream.handler = (response) => {
      response.writeHead(429, { 'retry-after': '7', 'x-litellm-response-cost': '0' });
      response.end('{"error":{"message":"litellm.RateLimitError: slow down"}}');
    };

    expect(await failedOf(upstream.open())).toMatchObject({
      failure: 'rate_limited',
      upstreamStatus: 429,
      retryAfterMs: 7_000,
      cost: { costUsd: '0', source: 'upstream_header' },
    });
  });

  it('in time, pings or not, has timed out', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(`: ping\n\n${frame({ choices: [{ index: 0, delta: {}, finish_reason: null }] })}`);
    };

    expect(await failedOf(upstream.open({}, { timeoutMs: 40 }))).toMatchObject({
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
    upstream.handler = answering(frames);

    expect(await failedOf(upstream.open())).toMatchObject({ failure, upstreamStatus: 200 });
  });

  it('for want of an upstream was not sent', async () => {
    upstream.handler = answering('');
    const result = await failedOf(upstream.open({ litellmBaseUrl: 'http://127.0.0.1:9' }));

    expect(result).toMatchObject({ failure: 'connection_failed', cost: { source: 'not_sent' } });
  });

  it('after a shutdown was not sent', async () => {
    upstream.handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    await readAll(await openedOf(upstream.open()));
    await upstream.abandon();
    const opening = upstream.open({}, { isAgain: true });

    expect(await failedOf(opening)).toMatchObject({
      failure: 'connection_failed',
      cost: { source: 'not_sent' },
    });
    expect(upstream.received).toHaveLength(1);
  });
});
