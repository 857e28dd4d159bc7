import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isUuid } from '../common/identifiers.js';
import { parseSettings, type Settings } from '../config/settings.js';
import { COST_OF_NOTHING_SENT, UNKNOWN_COST } from './cost.js';
import { GatewayService } from './gateway.service.js';
import type {
  AttemptFailure,
  AttemptRecorder,
  CallOutcome,
  ChatAnswer,
  ChatRequest,
  EndedAttempt,
  GatewayCall,
  StartedAttempt,
} from './gateway.types.js';
import type { LitellmClient } from './litellm.client.js';
import type { UpstreamRequest as Upstream, UpstreamResult as Result } from './upstream-result.js';
import { makeUsage } from './usage.fixture.js';

type UpstreamRequest = Upstream<ChatRequest>;
type UpstreamResult = Result<ChatAnswer>;

const ANSWER: ChatAnswer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
};
const USAGE = makeUsage({ inputTokens: 9, outputTokens: 3 });
const FIRST_ID = '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11';

/** Failures after which another model may still succeed. */
const TEMPORARY: readonly AttemptFailure[] = [
  'connection_failed',
  'timeout',
  'rate_limited',
  'upstream_error',
  'unknown_model',
  'provider_key_refused',
  'context_window_exceeded',
  'malformed_answer',
];
const FINAL: readonly AttemptFailure[] = ['request_rejected', 'service_key_refused'];

function succeeding(): UpstreamResult {
  return {
    answer: ANSWER,
    failure: null,
    upstreamStatus: 200,
    upstreamError: null,
    usage: USAGE,
    cost: { costUsd: '0.000003', source: 'upstream_header', text: '3e-06' },
    firstByteMs: 7,
    retryAfterMs: null,
  };
}

function failing(failure: AttemptFailure): UpstreamResult {
  return {
    answer: null,
    failure,
    upstreamStatus: 500,
    upstreamError: 'words of the upstream',
    usage: null,
    cost: UNKNOWN_COST,
    firstByteMs: null,
    retryAfterMs: null,
  };
}

/** Eighteen characters: enough of it to be known again. */
const PROMPT = 'Hi, my name is Bo.';

/** An upstream that answers by model, and a recorder, which write what they are asked into one list. */
class Scene {
  readonly events: string[] = [];
  readonly requests: UpstreamRequest[] = [];
  readonly recorded: { ended: EndedAttempt; next: StartedAttempt }[] = [];
  recorderFault: Error | null = null;

  constructor(private readonly results: Readonly<Record<string, UpstreamResult>>) {}

  readonly recorder: AttemptRecorder = {
    attemptFollows: async (ended, next) => {
      this.events.push(`record ${ended.modelName} -> ${next.modelName}`);
      // A commit takes a while: what does not wait for it would overtake it here.
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (this.recorderFault !== null) throw this.recorderFault;
      this.recorded.push({ ended, next });
      this.events.push('committed');
    },
  };

  complete(models: readonly string[], changes: Partial<Settings> = {}): Promise<CallOutcome> {
    const client = {
      abandoned: new AbortController().signal,
      complete: (request: UpstreamRequest): Promise<UpstreamResult> => {
        this.events.push(`send ${request.modelName}`);
        this.requests.push(request);
        return Promise.resolve(this.results[request.modelName]!);
      },
    };
    const settings = { ...parseSettings({}), ...changes };
    const call: GatewayCall = {
      request: { messages: [{ role: 'user', content: PROMPT }], parameters: { temperature: 0.7 } },
      modelNames: models,
      firstAttemptId: FIRST_ID,
      correlation: { traceId: 'job', endUserId: 'team', tags: ['org:acme'], metadata: { job_id: 'job' } },
      recorder: this.recorder,
      mayRetryAmbiguous: true,
    };
    return new GatewayService(client as unknown as LitellmClient, settings).complete(call);
  }
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

afterAll(() => {
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
});

describe('a call', () => {
  it('that the first model answers is one attempt, under the id that its caller has recorded', async () => {
    const scene = new Scene({ a: succeeding(), b: succeeding() });
    const outcome = await scene.complete(['a', 'b']);

    expect(scene.events).toEqual(['send a']);
    expect(outcome).toEqual({
      status: 'succeeded',
      answer: ANSWER,
      attempts: [
        {
          attemptId: FIRST_ID,
          number: 1,
          modelName: 'a',
          status: 'succeeded',
          failure: null,
          upstreamStatus: 200,
          upstreamError: null,
          usage: USAGE,
          cost: { costUsd: '0.000003', source: 'upstream_header', text: '3e-06' },
          firstByteMs: 7,
          latencyMs: expect.any(Number),
        },
      ],
    });
  });

  it('passes on request and correlation unchanged, with the id of the attempt', async () => {
    const scene = new Scene({ a: succeeding() });
    await scene.complete(['a']);

    expect(scene.requests[0]).toMatchObject({
      attemptId: FIRST_ID,
      modelName: 'a',
      request: { messages: [{ role: 'user', content: PROMPT }], parameters: { temperature: 0.7 } },
      correlation: { traceId: 'job', endUserId: 'team', tags: ['org:acme'], metadata: { job_id: 'job' } },
    });
  });

  it('tries the models in their order, and commits each further try before it leaves', async () => {
    const scene = new Scene({ a: failing('rate_limited'), b: failing('upstream_error'), c: succeeding() });
    const outcome = await scene.complete(['a', 'b', 'c']);

    expect(scene.events).toEqual([
      'send a',
      'record a -> b',
      'committed',
      'send b',
      'record b -> c',
      'committed',
      'send c',
    ]);
    expect(outcome.status).toBe('succeeded');
    expect(outcome.attempts.map(({ number, modelName, failure }) => [number, modelName, failure])).toEqual([
      [1, 'a', 'rate_limited'],
      [2, 'b', 'upstream_error'],
      [3, 'c', null],
    ]);
  });

  it('has an id of its own for every try, the one that was recorded', async () => {
    const scene = new Scene({ a: failing('timeout'), b: failing('timeout'), c: succeeding() });
    const { attempts } = await scene.complete(['a', 'b', 'c']);
    const ids = attempts.map((attempt) => attempt.attemptId);

    expect(new Set(ids).size).toBe(3);
    expect(ids.every(isUuid)).toBe(true);
    expect(scene.requests.map((request) => request.attemptId)).toEqual(ids);
    expect(scene.recorded.map(({ ended, next }) => [ended.attemptId, next.attemptId])).toEqual([
      [ids[0], ids[1]],
      [ids[1], ids[2]],
    ]);
  });

  it('hands the recorder the try that has ended, with what it used and cost', async () => {
    const paid: UpstreamResult = {
      ...failing('malformed_answer'),
      cost: { costUsd: '0.5', source: 'upstream_header', text: '0.5' },
    };
    const scene = new Scene({ a: paid, b: succeeding() });
    const { attempts } = await scene.complete(['a', 'b']);

    expect(scene.recorded[0]?.ended).toEqual(attempts[0]);
    expect(attempts[0]).toMatchObject({
      status: 'failed',
      failure: 'malformed_answer',
      upstreamStatus: 500,
      upstreamError: 'words of the upstream',
      cost: { costUsd: '0.5', source: 'upstream_header', text: '0.5' },
    });
  });

  it('lets nothing leave when the record of it fails, and passes that fault on', async () => {
    const scene = new Scene({ a: failing('upstream_error'), b: succeeding() });
    scene.recorderFault = new Error('the database is gone');

    await expect(scene.complete(['a', 'b'])).rejects.toThrow('the database is gone');
    expect(scene.events).toEqual(['send a', 'record a -> b']);
  });

  it('of no model at all is a fault of its caller', async () => {
    const scene = new Scene({});

    await expect(scene.complete([])).rejects.toThrow('A model group without models was called.');
    expect(scene.events).toEqual([]);
  });
});

describe('after a failure', () => {
  it.each(TEMPORARY)('that is %s the next model is tried', async (failure) => {
    const scene = new Scene({ a: failing(failure), b: succeeding() });

    expect((await scene.complete(['a', 'b'])).status).toBe('succeeded');
  });

  it.each(FINAL)('that is %s nothing more is tried or recorded', async (failure) => {
    const scene = new Scene({ a: failing('upstream_error'), b: failing(failure), c: succeeding() });
    const outcome = await scene.complete(['a', 'b', 'c']);

    expect(outcome.status).toBe('failed');
    expect(scene.events).toEqual(['send a', 'record a -> b', 'committed', 'send b']);
  });

  it('of the last model the recorder is not asked: its caller records the end', async () => {
    const scene = new Scene({ a: failing('upstream_error') });
    const outcome = await scene.complete(['a']);

    expect(scene.events).toEqual(['send a']);
    expect(outcome.attempts).toHaveLength(1);
  });

  it.each<[AttemptFailure[], string]>([
    [['upstream_error'], 'upstream_failed'],
    [['connection_failed'], 'upstream_failed'],
    [['unknown_model'], 'upstream_failed'],
    [['malformed_answer'], 'upstream_failed'],
    [['service_key_refused'], 'upstream_failed'],
    [['provider_key_refused'], 'upstream_failed'],
    [['rate_limited', 'rate_limited'], 'upstream_failed'],
    [['timeout'], 'upstream_timeout'],
    [['timeout', 'timeout'], 'upstream_timeout'],
    [['timeout', 'upstream_error'], 'upstream_failed'],
    [['upstream_error', 'timeout'], 'upstream_failed'],
    [['request_rejected'], 'upstream_rejected_request'],
    [['timeout', 'request_rejected'], 'upstream_rejected_request'],
    [['context_window_exceeded'], 'upstream_rejected_request'],
    [['context_window_exceeded', 'context_window_exceeded'], 'upstream_rejected_request'],
    // Another model failed for a reason of its own: the request need not be wrong.
    [['context_window_exceeded', 'upstream_error'], 'upstream_failed'],
    [['upstream_error', 'context_window_exceeded'], 'upstream_failed'],
  ])('that is %j of all models the call is %s', async (failures, expected) => {
    const models = failures.map((_, index) => `model-${index}`);
    const scene = new Scene(
      Object.fromEntries(models.map((model, index) => [model, failing(failures[index]!)])),
    );
    const outcome = await scene.complete(models);

    expect(outcome).toMatchObject({ status: 'failed', failure: expected });
    expect(outcome.attempts).toHaveLength(failures.length);
  });

  it.each<[AttemptFailure, string]>([
    ['timeout', 'timed_out'],
    ['upstream_error', 'failed'],
    ['request_rejected', 'failed'],
  ])('that is %s its attempt is %s', async (failure, status) => {
    const { attempts } = await new Scene({ a: failing(failure) }).complete(['a']);

    expect(attempts[0]?.status).toBe(status);
  });

  it('before anything was sent the attempt costs nothing, and says why', async () => {
    const scene = new Scene({ a: { ...failing('connection_failed'), cost: COST_OF_NOTHING_SENT } });
    const { attempts } = await scene.complete(['a']);

    expect(attempts[0]?.cost).toEqual({ costUsd: '0', source: 'not_sent', text: null });
  });
});

describe('the time of a call', () => {
  it('that is up ends it after the running attempt, whatever models are left', async () => {
    const scene = new Scene({ a: failing('timeout'), b: succeeding() });
    // With no time at all the deadline has passed when the first attempt ends, on any machine.
    const outcome = await scene.complete(['a', 'b'], { callTimeoutMs: 0 });

    expect(outcome).toMatchObject({ status: 'failed', failure: 'upstream_timeout' });
    expect(scene.events).toEqual(['send a']);
  });

  it('bounds an attempt where the call ends before the attempt must', async () => {
    const scene = new Scene({ a: succeeding() });
    await scene.complete(['a'], { callTimeoutMs: 5_000, attemptTimeoutMs: 60_000 });

    expect(scene.requests[0]!.timeoutMs).toBeLessThanOrEqual(5_000);
    expect(scene.requests[0]!.timeoutMs).toBeGreaterThan(0);
  });

  it('does not lengthen an attempt', async () => {
    const scene = new Scene({ a: failing('timeout'), b: succeeding() });
    await scene.complete(['a', 'b'], { callTimeoutMs: 3_600_000, attemptTimeoutMs: 7_000 });

    expect(scene.requests.map((request) => request.timeoutMs)).toEqual([7_000, 7_000]);
  });

  it('is never so short that a timer could not be set', async () => {
    const scene = new Scene({ a: failing('timeout') });
    await scene.complete(['a'], { callTimeoutMs: 0 });

    expect(scene.requests[0]!.timeoutMs).toBe(1);
  });

  it('shrinks from attempt to attempt, in whole milliseconds', async () => {
    const scene = new Scene({ a: failing('timeout'), b: succeeding() });
    await scene.complete(['a', 'b'], { callTimeoutMs: 5_000 });
    const [first, second] = scene.requests.map((request) => request.timeoutMs);

    // The recorder took at least a few milliseconds between the two.
    expect(second).toBeLessThan(first!);
    expect(Number.isInteger(second)).toBe(true);
  });
});

describe('what an upstream says of a failure', () => {
  const refusal: UpstreamResult = { ...failing('request_rejected'), upstreamError: `Not allowed: ${PROMPT}` };
  const wordsOf = async (mayStoreMessages: boolean) => {
    const { attempts } = await new Scene({ a: refusal }).complete(['a'], { mayStoreMessages });
    return attempts[0]!.upstreamError;
  };

  it('is kept without the prompt that it repeats', async () => {
    expect(await wordsOf(false)).toBe('Not allowed: […]');
  });

  it('is kept as it is where messages are kept', async () => {
    expect(await wordsOf(true)).toBe('Not allowed: Hi, my name is Bo.');
  });
});
