import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSettings, type Settings } from '../config/settings.js';
import { COST_OF_NOTHING_SENT, UNKNOWN_COST } from './cost.js';
import { GatewayService } from './gateway.service.js';
import type {
  AttemptFailure,
  CallPlan,
  ChatAnswer,
  ChatChunk,
  Cost,
  EmbeddingAnswer,
  GatewayCall,
  StreamStart,
} from './gateway.types.js';
import type { LitellmClient } from './litellm.client.js';
import type { StreamOpening } from './litellm.stream.js';
import type { FailedResult, UpstreamResult } from './upstream-result.js';
import type { StreamedAttempt, UpstreamStream } from './upstream-stream.js';
import type { WalkClock } from './walk-clock.js';
import { makeUsage } from './usage.fixture.js';

const ANSWER: ChatAnswer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
};
const CHUNK: ChatChunk = { choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }] };
const USAGE = makeUsage({ inputTokens: 9, outputTokens: 3 });
const ATTEMPT_MS = 10;

type Ending =
  | 'ok'
  | AttemptFailure
  | {
      readonly failure: AttemptFailure;
      readonly retryAfterMs?: number;
      readonly cost?: Cost;
      readonly upstreamError?: string;
    };

/** One gateway over an upstream whose models end as told, in time that passes only when something takes it. */
class Scene {
  nowMs = 0;
  readonly sent: string[] = [];
  readonly pauses: number[] = [];
  readonly abandonment = new AbortController();
  readonly gateway: GatewayService;
  private readonly endings = new Map<string, Ending[]>();

  constructor(changes: Partial<Settings> = {}) {
    const clock: WalkClock = {
      now: () => this.nowMs,
      random: () => 0,
      pause: (ms) => {
        this.pauses.push(ms);
        this.nowMs += ms;
        return Promise.resolve();
      },
    };
    const client = {
      abandoned: this.abandonment.signal,
      complete: ({ modelName }: { modelName: string }) => Promise.resolve(this.answer(modelName, ANSWER)),
      embed: ({ modelName }: { modelName: string }) => Promise.resolve(this.answer(modelName, { data: [] })),
      stream: ({ modelName }: { modelName: string }) => Promise.resolve(this.open(modelName)),
    };
    const settings = { ...parseSettings({}), ...changes };
    this.gateway = new GatewayService(client as unknown as LitellmClient, settings, clock);
  }

  /** How the next attempts of a model end, in turn; the last ending stays. */
  ends(modelName: string, ...endings: Ending[]): this {
    this.endings.set(modelName, endings);
    return this;
  }

  complete(modelNames: readonly string[], changes: Partial<GatewayCall> = {}) {
    return this.gateway.complete(this.call(modelNames, changes));
  }

  stream(modelNames: readonly string[]): Promise<StreamStart> {
    return this.gateway.stream(this.call(modelNames));
  }

  plan(...modelNames: readonly string[]): CallPlan {
    return this.gateway.plan(modelNames.map((modelName, priority) => ({ modelName, priority, weight: 1 })));
  }

  call(modelNames: readonly string[], changes: Partial<GatewayCall> = {}): GatewayCall {
    return {
      request: { messages: [], parameters: {} },
      modelNames,
      firstAttemptId: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11',
      correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
      recorder: { attemptFollows: () => Promise.resolve() },
      mayRetryAmbiguous: true,
      ...changes,
    };
  }

  private next(modelName: string): Ending {
    this.sent.push(modelName);
    this.nowMs += ATTEMPT_MS;
    const endings = this.endings.get(modelName) ?? ['ok'];
    return (endings.length > 1 ? endings.shift() : endings[0]) ?? 'ok';
  }

  private answer<Answer>(modelName: string, answer: Answer): UpstreamResult<Answer> {
    const ending = this.next(modelName);
    if (ending !== 'ok') return failedBy(ending);
    return { ...failedBy('timeout'), answer, failure: null, upstreamStatus: 200, usage: USAGE };
  }

  private open(modelName: string): StreamOpening {
    const ending = this.next(modelName);
    if (ending === 'ok') return { status: 'opened', stream: streamOf(null) };
    if (ending === 'stream_broken') return { status: 'opened', stream: streamOf('stream_broken') };
    return { status: 'failed', result: failedBy(ending) };
  }
}

function failedBy(ending: Exclude<Ending, 'ok'>): FailedResult {
  const given = typeof ending === 'string' ? { failure: ending } : ending;
  return {
    answer: null,
    upstreamStatus: 500,
    upstreamError: null,
    usage: null,
    cost: UNKNOWN_COST,
    firstByteMs: null,
    retryAfterMs: null,
    ...given,
  };
}

/** A stream of one piece that has ended as told. */
function streamOf(failure: AttemptFailure | null): UpstreamStream {
  const attempt: StreamedAttempt = {
    status: failure === null ? 'succeeded' : 'partial',
    failure,
    upstreamStatus: 200,
    upstreamError: null,
    usage: USAGE,
    cost: UNKNOWN_COST,
    firstByteMs: 4,
  };
  async function* pieces() {
    yield await Promise.resolve([CHUNK]);
  }
  const stream = Object.assign(pieces(), { outcome: Promise.resolve(attempt), cancel: () => undefined });
  return stream as unknown as UpstreamStream;
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

afterAll(() => {
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
});

describe('a stream of a call', () => {
  it('that opens is handed on, with all attempts when it has ended', async () => {
    const scene = new Scene().ends('a', 'upstream_error');
    const start = await scene.stream(['a', 'b']);
    if (start.status === 'failed') throw new Error('It failed.');
    const chunks: ChatChunk[] = [];
    for await (const read of start.stream.chunks) chunks.push(...read);

    expect(chunks).toEqual([CHUNK]);
    expect(await start.stream.outcome).toMatchObject({
      status: 'succeeded',
      attempts: [
        { number: 1, modelName: 'a', status: 'failed', failure: 'upstream_error', firstByteMs: null },
        { number: 2, modelName: 'b', status: 'succeeded', failure: null, usage: USAGE, firstByteMs: 4 },
      ],
    });
  });

  it('that breaks off is not tried again', async () => {
    const scene = new Scene().ends('a', 'stream_broken');
    const start = await scene.stream(['a', 'b']);
    if (start.status === 'failed') throw new Error('It failed.');

    expect(await start.stream.outcome).toMatchObject({
      status: 'partial',
      attempts: [{ modelName: 'a', status: 'partial', failure: 'stream_broken' }],
    });
    expect(scene.sent).toEqual(['a']);
  });

  it('that no model opens has failed', async () => {
    const scene = new Scene().ends('a', 'timeout').ends('b', 'timeout');

    expect(await scene.stream(['a', 'b'])).toMatchObject({ status: 'failed', failure: 'upstream_timeout' });
  });
});

describe('embeddings', () => {
  it('walk as chats do', async () => {
    const scene = new Scene().ends('a', 'rate_limited');
    const call = { ...scene.call(['a', 'b']), request: { input: 'x', parameters: {} } };
    const expected: EmbeddingAnswer = { data: [] };

    expect(await scene.gateway.embed(call)).toMatchObject({ status: 'succeeded', answer: expected });
    expect(scene.sent).toEqual(['a', 'b']);
  });
});

describe('the budget of a call', () => {
  it('of attempts ends it, whatever models are left', async () => {
    const scene = new Scene({ callMaxAttempts: 2 }).ends('a', 'upstream_error').ends('b', 'upstream_error');

    expect((await scene.complete(['a', 'b', 'c'])).attempts).toHaveLength(2);
    expect(scene.sent).toEqual(['a', 'b']);
  });

  it('of one round goes through the models once', async () => {
    const scene = new Scene().ends('a', 'upstream_error').ends('b', 'upstream_error');
    await scene.complete(['a', 'b']);

    expect(scene.sent).toEqual(['a', 'b']);
    expect(scene.pauses).toEqual([]);
  });

  it('of several rounds goes again through those that may have recovered', async () => {
    const scene = new Scene({ callRounds: 3 })
      .ends('a', 'context_window_exceeded')
      .ends('b', 'upstream_error', 'unknown_model')
      .ends('c', 'rate_limited', 'rate_limited', 'ok');
    const outcome = await scene.complete(['a', 'b', 'c']);

    expect(outcome.status).toBe('succeeded');
    expect(scene.sent).toEqual(['a', 'b', 'c', 'b', 'c', 'c']);
    // Half of 250 and of 500 milliseconds, as chance would have it.
    expect(scene.pauses).toEqual([125, 250]);
  });

  it('of rounds is over early where no model may recover', async () => {
    const scene = new Scene({ callRounds: 3 }).ends('a', 'unknown_model').ends('b', 'provider_key_refused');
    await scene.complete(['a', 'b']);

    expect(scene.sent).toEqual(['a', 'b']);
  });

  it('doubles the pauses, up to four seconds', async () => {
    const scene = new Scene({ callRounds: 8, breakerFailures: 0 }).ends('a', 'upstream_error');
    await scene.complete(['a']);

    expect(scene.pauses).toEqual([125, 250, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  it('waits as long as a model asks for, and leaves out those that ask for longer', async () => {
    const scene = new Scene({ callRounds: 2 })
      .ends('a', { failure: 'rate_limited', retryAfterMs: 9_000 })
      .ends('b', { failure: 'rate_limited', retryAfterMs: 3_000 }, 'ok');
    await scene.complete(['a', 'b']);

    expect(scene.sent).toEqual(['a', 'b', 'b']);
    expect(scene.pauses).toEqual([3_000]);
  });

  it('of time ends the call at once where the pause does not fit', async () => {
    const scene = new Scene({ callRounds: 2, callTimeoutMs: 3_000 }).ends('a', {
      failure: 'rate_limited',
      retryAfterMs: 5_000,
    });
    await scene.complete(['a']);

    expect(scene.sent).toEqual(['a']);
    expect(scene.pauses).toEqual([]);
  });

  it('is over with a shutdown in a pause', async () => {
    const scene = new Scene({ callRounds: 2 }).ends('a', 'upstream_error');
    scene.abandonment.abort();

    expect((await scene.complete(['a'])).attempts).toHaveLength(1);
  });
});

describe('a call that must not be paid for twice', () => {
  const AMBIGUOUS: Ending[] = [
    'timeout',
    'connection_failed',
    'malformed_answer',
    { failure: 'upstream_error', upstreamError: 'litellm.APIError: Connection error.' },
  ];
  const CERTAIN: Ending[] = [
    { failure: 'connection_failed', cost: COST_OF_NOTHING_SENT },
    'rate_limited',
    'unknown_model',
    { failure: 'upstream_error', upstreamError: 'litellm.InternalServerError: no' },
  ];

  it.each(AMBIGUOUS)('stops after %j', async (ending) => {
    const scene = new Scene().ends('a', ending);
    await scene.complete(['a', 'b'], { mayRetryAmbiguous: false });

    expect(scene.sent).toEqual(['a']);
  });

  it.each(CERTAIN)('goes on after %j', async (ending) => {
    const scene = new Scene().ends('a', ending);
    await scene.complete(['a', 'b'], { mayRetryAmbiguous: false });

    expect(scene.sent).toEqual(['a', 'b']);
  });
});

describe('a model that fails', () => {
  const ILL: AttemptFailure[] = [
    'connection_failed',
    'timeout',
    'upstream_error',
    'provider_key_refused',
    'malformed_answer',
  ];
  const NOT_ILL: AttemptFailure[] = [
    'rate_limited',
    'request_rejected',
    'context_window_exceeded',
    'unknown_model',
  ];

  it.each(ILL)('five times by %s is left out, and alone makes a call wait', async (failure) => {
    const scene = new Scene().ends('a', failure);
    for (let i = 0; i < 5; i += 1) await scene.complete(['a']);

    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['b'] });
    expect(scene.plan('a')).toEqual({ kind: 'resting', retryAfterMs: 15_000 });
  });

  it.each(NOT_ILL)('by %s is not ill', async (failure) => {
    const scene = new Scene().ends('a', failure);
    for (let i = 0; i < 20; i += 1) await scene.complete(['a']);

    expect(scene.plan('a')).toEqual({ kind: 'ready', modelNames: ['a'] });
  });

  it('by streams that break off is left out as well', async () => {
    const scene = new Scene().ends('a', 'stream_broken');
    for (let i = 0; i < 5; i += 1) {
      const start = await scene.stream(['a']);
      if (start.status === 'opened') await start.stream.outcome;
    }

    expect(scene.plan('a')).toMatchObject({ kind: 'resting' });
  });

  it('is tried by one call at a time after its rest, and again by all once it has answered', async () => {
    const scene = new Scene().ends('a', ...Array<Ending>(5).fill('timeout'), 'ok');
    for (let i = 0; i < 5; i += 1) await scene.complete(['a']);
    scene.nowMs += 15_000;

    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['a', 'b'] });
    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['b'] });
    await scene.complete(['a', 'b']);
    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['a', 'b'] });
    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['a', 'b'] });
  });

  it('is free for the next probe where the call that was planned never came', async () => {
    const scene = new Scene().ends('a', 'timeout');
    for (let i = 0; i < 5; i += 1) await scene.complete(['a']);
    scene.nowMs += 15_000;
    scene.plan('a');
    expect(scene.plan('a')).toEqual({ kind: 'resting', retryAfterMs: 5_000 });
    scene.nowMs += 5_000;
    expect(scene.plan('a')).toEqual({ kind: 'ready', modelNames: ['a'] });
  });

  it('because the call was nearly over is not ill', async () => {
    // The first attempt takes 10 of 15 milliseconds, and the second one times out with what is left.
    const scene = new Scene({ callTimeoutMs: 15 }).ends('a', 'upstream_error').ends('b', 'timeout');
    for (let i = 0; i < 4; i += 1) await scene.complete(['a', 'b']);
    scene.ends('a', 'rate_limited');
    for (let i = 0; i < 10; i += 1) await scene.complete(['a', 'b']);

    expect(scene.sent.filter((modelName) => modelName === 'b')).toHaveLength(14);
    expect(scene.plan('b')).toEqual({ kind: 'ready', modelNames: ['b'] });
  });

  it('is passed over by a call that was planned before', async () => {
    const scene = new Scene().ends('a', 'upstream_error').ends('b', 'timeout');
    for (let i = 0; i < 5; i += 1) await scene.complete(['b']);
    scene.sent.length = 0;
    await scene.complete(['a', 'b', 'c']);

    expect(scene.sent).toEqual(['a', 'c']);
  });
});

describe('a model that asks to be left alone', () => {
  it('is left alone for that long', async () => {
    const scene = new Scene().ends('a', { failure: 'rate_limited', retryAfterMs: 7_000 });
    await scene.complete(['a']);

    expect(scene.plan('a', 'b')).toEqual({ kind: 'ready', modelNames: ['b'] });
    expect(scene.plan('a')).toEqual({ kind: 'resting', retryAfterMs: 7_000 });
    scene.nowMs += 7_000;
    expect(scene.plan('a')).toEqual({ kind: 'ready', modelNames: ['a'] });
  });

  it('is so within reason', async () => {
    const scene = new Scene().ends('a', { failure: 'rate_limited', retryAfterMs: 86_400_000 });
    await scene.complete(['a']);

    expect(scene.plan('a')).toEqual({ kind: 'resting', retryAfterMs: 60_000 });
  });
});
