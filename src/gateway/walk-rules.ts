import type { AttemptFailure, CallFailure, EndedAttempt } from './gateway.types.js';
import { mayHaveSpent, mayTryNextModel } from './upstream-error.js';

/** Whether the same model may succeed a little later. */
const MAY_PASS: Readonly<Record<AttemptFailure, boolean>> = {
  connection_failed: true,
  timeout: true,
  rate_limited: true,
  upstream_error: true,
  malformed_answer: true,
  stream_broken: true,
  unknown_model: false,
  provider_key_refused: false,
  context_window_exceeded: false,
  request_rejected: false,
  service_key_refused: false,
  client_disconnected: false,
};

export function mayPass(failure: AttemptFailure): boolean {
  return MAY_PASS[failure];
}

/** Whether a further attempt may follow at all. */
export function mayFollow(ended: EndedAttempt, mayRetryAmbiguous: boolean): boolean {
  if (ended.failure === null || !mayTryNextModel(ended.failure)) return false;
  return mayRetryAmbiguous || !isAmbiguous(ended);
}

/** Whether nobody knows if a provider has worked, and billed, for an answer that did not arrive. */
function isAmbiguous({ failure, cost, upstreamError }: EndedAttempt): boolean {
  if (cost.source === 'not_sent' || failure === null) return false;
  if (failure === 'upstream_error') return mayHaveSpent(failure, upstreamError ?? '');
  return ['timeout', 'connection_failed', 'malformed_answer', 'stream_broken'].includes(failure);
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 4_000;

/**
 * The pause before a round, where no model has said how long: doubling from round to round, and at least
 * half of it, so that calls that failed together do not come back together.
 *
 * @param round 2 for the second
 */
export function pauseBefore(round: number, random: () => number): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** (round - 2), MAX_PAUSE_MS);
  return Math.round(fullMs * (0.5 + random() / 2));
}

/** What the client is told: a refusal of the request itself, a timeout if all timed out, else a failure. */
export function failureOf(attempts: readonly EndedAttempt[]): CallFailure {
  const last = attempts.at(-1);
  if (last?.failure === 'request_rejected') return 'upstream_rejected_request';
  if (attempts.every((attempt) => attempt.failure === 'context_window_exceeded')) {
    return 'upstream_rejected_request';
  }
  return attempts.every((attempt) => attempt.failure === 'timeout') ? 'upstream_timeout' : 'upstream_failed';
}
