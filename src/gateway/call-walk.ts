import { newId } from '../common/identifiers.js';
import type { Settings } from '../config/settings.js';
import type { BreakerTicket } from './circuit-breaker.js';
import type { EndedAttempt, FailedCall, GatewayCall, StartedAttempt } from './gateway.types.js';
import type { ModelHealth } from './model-health.js';
import type { WalkClock } from './walk-clock.js';
import { WalkPath } from './walk-path.js';
import { failureOf, mayFollow } from './walk-rules.js';

/** An attempt as the walk hands it to whoever sends. */
export interface Sending {
  readonly started: StartedAttempt;
  readonly ticket: BreakerTicket;
  /** Of the walk's clock. */
  readonly sentAt: number;
  readonly timeoutMs: number;
}

/** What came of it: something for the caller, or an end after which the walk may go on. */
export type Sent<Value> =
  | { readonly status: 'answered'; readonly value: Value }
  | { readonly status: 'failed'; readonly ended: EndedAttempt; readonly retryAfterMs: number | null };

export type Walked<Value> =
  | {
      readonly status: 'answered';
      readonly value: Value;
      /** The attempts before the one that answered. */
      readonly earlier: readonly EndedAttempt[];
    }
  | FailedCall;

export interface WalkContext {
  readonly settings: Settings;
  readonly health: ModelHealth;
  readonly clock: WalkClock;
  /** Aborted once nothing may be sent any more. */
  readonly abandoned: AbortSignal;
}

/**
 * Tries the models of a call until one answers, the request is refused, or the budget of attempts or time is
 * up. Every further attempt is recorded before it is sent; what the recorder throws goes through, and nothing
 * leaves after it.
 */
export async function walk<Value>(
  context: WalkContext,
  call: GatewayCall<unknown>,
  send: (sending: Sending) => Promise<Sent<Value>>,
): Promise<Walked<Value>> {
  const { settings, health, clock } = context;
  const deadline = clock.now() + settings.callTimeoutMs;
  const options = { maxAttempts: settings.callMaxAttempts, rounds: settings.callRounds };
  const path = new WalkPath(call.modelNames, options, health);
  const attempts: EndedAttempt[] = [];
  let started = firstAttempt(call);
  for (;;) {
    const sent = await sendOne(context, started, deadline, send);
    if (sent.status === 'answered') return { ...sent, earlier: attempts };
    attempts.push(sent.ended);
    const next = await following(context, { call, path, deadline }, sent.ended);
    if (next === null) return { status: 'failed', failure: failureOf(attempts), attempts };
    await call.recorder.attemptFollows(sent.ended, next);
    started = next;
  }
}

async function sendOne<Value>(
  { settings, health, clock }: WalkContext,
  started: StartedAttempt,
  deadline: number,
  send: (sending: Sending) => Promise<Sent<Value>>,
): Promise<Sent<Value>> {
  const sentAt = clock.now();
  const leftMs = Math.floor(deadline - sentAt);
  const timeoutMs = Math.max(1, Math.min(settings.attemptTimeoutMs, leftMs));
  const ticket = health.begin(started.modelName, sentAt);
  const sent = await send({ started, ticket, sentAt, timeoutMs });
  if (sent.status === 'answered') return sent;
  const { modelName, failure } = sent.ended;
  const now = clock.now();
  if (failure === 'timeout' && isHurried(timeoutMs, settings)) health.noteNothing(modelName, ticket);
  else health.noteEnd(modelName, ticket, failure, now);
  if (sent.retryAfterMs !== null) health.rest(modelName, sent.retryAfterMs, now);
  return sent;
}

/** Waits where the next round has to. Null if the call is over. */
async function following(
  { clock, abandoned }: WalkContext,
  { call, path, deadline }: { call: GatewayCall<unknown>; path: WalkPath; deadline: number },
  ended: EndedAttempt,
): Promise<StartedAttempt | null> {
  const { modelName: lastModel, failure } = ended;
  if (failure === null || !mayFollow(ended, call.mayRetryAmbiguous)) return null;
  const now = clock.now();
  const step = path.next({ modelName: lastModel, failure }, now, () => clock.random());
  if (step === null || now + step.pauseMs >= deadline) return null;
  if (step.pauseMs > 0) await clock.pause(step.pauseMs, abandoned);
  if (abandoned.aborted) return null;
  return { attemptId: newId(), number: ended.number + 1, modelName: step.modelName };
}

/** Whether the call was nearly over, so that a model that was in time might have been taken for slow. */
function isHurried(timeoutMs: number, { attemptTimeoutMs, callTimeoutMs }: Settings): boolean {
  return timeoutMs < Math.min(attemptTimeoutMs, callTimeoutMs) / 2;
}

function firstAttempt(call: GatewayCall<unknown>): StartedAttempt {
  const [modelName] = call.modelNames;
  if (modelName === undefined) throw new Error('A model group without models was called.');
  return { attemptId: call.firstAttemptId, number: 1, modelName };
}
