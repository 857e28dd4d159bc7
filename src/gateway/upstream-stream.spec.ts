import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Settings } from '../config/settings.js';
import {
  FakeUpstream,
  answering,
  content,
  DONE,
  FINISH,
  frame,
  openedOf,
  readAll,
  startEvents,
  textOf,
  USAGE_FRAME,
  writing,
} from './fake-upstream.fixture.js';
import type { UpstreamStream } from './upstream-stream.js';
import { makeUsage } from './usage.fixture.js';

let upstream: FakeUpstream;

beforeEach(async () => {
  upstream = new FakeUpstream();
  await upstream.start();
});

afterEach(async () => {
  await upstream.stop();
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
    upstream.handler = answering(frames);
    const stream = await openedOf(upstream.open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect(await stream.outcome).toMatchObject({
      status,
      failure: status === 'succeeded' ? null : 'stream_broken',
    });
  });

  it('by a lost connection is partial, with a guess', async () => {
    upstream.handler = async (response) => {
      startEvents(response);
      response.write(content('Hello'));
      await sleep(10);
      response.destroy();
    };
    const stream = await openedOf(upstream.open());
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
    upstream.handler = answering(content('Hi') + frame({ error }));
    const stream = await openedOf(upstream.open());

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
    upstream.handler = writing(content('Hi'), rest, DONE);
    const stream = await openedOf(upstream.open(changes));
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'malformed_answer' });
  });

  it.each<[string, string]>([
    ['an error', `{"error":${nested()}}`],
    [
      'the arguments of a call',
      `{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":${nested()}}}}]}}]}`,
    ],
    ['a cost', `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"cost":${nested()}}}`],
  ])('by %s nested more deeply than can be written again is malformed', async (_, json) => {
    upstream.handler = writing(content('Hi'), `data: ${json}\n\n`, DONE);
    const stream = await openedOf(upstream.open());

    expect(textOf(await readAll(stream))).toBe('Hi');
    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'malformed_answer' });
  });

  it.each<[string, Partial<Settings>]>([
    ['that says nothing more', { streamIdleTimeoutMs: 40 }],
    ['that takes too long', { streamMaxDurationMs: 40 }],
  ])('%s has timed out, pings or not', async (_, changes) => {
    upstream.handler = async (response) => {
      startEvents(response);
      response.write(content('Hi'));
      while (!response.destroyed) {
        response.write(': ping\n\n');
        await sleep(5);
      }
    };
    const stream = await openedOf(upstream.open(changes));
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'timeout' });
  });

  it('does not do so while its reader takes its time', async () => {
    upstream.handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    const stream = await openedOf(upstream.open({ streamIdleTimeoutMs: 20 }));
    await sleep(60);
    await readAll(stream);

    expect((await stream.outcome).status).toBe('succeeded');
  });

  it('ends when it has lasted too long, although nobody reads', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(upstream.open({ streamMaxDurationMs: 30 }));

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'timeout' });
    expect(await readAll(stream)).toEqual([]);
  });

  it('by a shutdown is partial, and nothing is sent after it', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(upstream.open());
    const reading = readAll(stream);
    await upstream.abandon();
    await reading;

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'stream_broken' });
  });
});

/** Arrays in arrays: read without recursion, and written with it. */
function nested(): string {
  return '['.repeat(200_000) + ']'.repeat(200_000);
}

describe('a stream whose reader is slow', () => {
  it('has been left by him if its time is over because of him', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(upstream.open({ streamMaxDurationMs: 100, streamStallTimeoutMs: 20 }));
    await stream.next();

    // It is not asked for more.
    expect(await stream.outcome).toMatchObject({ status: 'canceled', failure: 'client_disconnected' });
  });

  it('has timed out all the same if it was the upstream that took the time', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hi'));
    };
    const stream = await openedOf(upstream.open({ streamMaxDurationMs: 100, streamStallTimeoutMs: 20 }));
    await readAll(stream);

    expect(await stream.outcome).toMatchObject({ status: 'partial', failure: 'timeout' });
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
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hello'));
      response.once('close', () => {
        closed.resolve(undefined);
      });
    };
    const stream = await openedOf(upstream.open());
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
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hello'));
    };
    const stream = await openedOf(upstream.open());
    const reading = readAll(stream);
    setTimeout(() => {
      stream.cancel();
    }, 10);

    expect(textOf(await reading)).toBe('Hello');
    expect((await stream.outcome).status).toBe('canceled');
  });

  it('has the usage that had come', async () => {
    upstream.handler = (response) => {
      startEvents(response);
      response.write(content('Hello') + USAGE_FRAME);
    };
    const stream = await openedOf(upstream.open());
    await stream.next();
    stream.cancel();

    expect((await stream.outcome).usage).toEqual(makeUsage({ inputTokens: 9, outputTokens: 3 }));
  });

  it('after its end has not been canceled', async () => {
    upstream.handler = answering(content('Hi') + FINISH + USAGE_FRAME + DONE);
    const stream = await openedOf(upstream.open());
    await readAll(stream);
    stream.cancel();

    expect((await stream.outcome).status).toBe('succeeded');
  });
});
