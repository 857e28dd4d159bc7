import { invalidField } from '../common/domain-error.js';
import { MAX_METADATA_BYTES } from '../common/validators.js';
import type { EndingTerms } from '../budgets/budgets.types.js';
import type { ChargeRule, JobStatus, JobTotals } from './jobs.types.js';

/** The one table of states: those in which a job takes calls and can be ended. */
const IS_OPEN: Readonly<Record<JobStatus, boolean>> = {
  pending: true,
  in_progress: true,
  completed: false,
  failed: false,
  cancelled: false,
  expired: false,
};

export const OPEN_STATUSES: readonly JobStatus[] = (Object.keys(IS_OPEN) as JobStatus[]).filter(
  (status) => IS_OPEN[status],
);

export interface ChargeDecision {
  readonly isCharged: boolean;
  readonly rule: ChargeRule;
}

/**
 * Whether a completed job is charged: unless it made calls and every one has failed. Calls still running
 * count as made and not failed. A job without calls is charged: its application got what it wanted without
 * one.
 */
export function decideCompletion(totals: JobTotals): ChargeDecision {
  const hasOnlyFailed = totals.totalCalls > 0 && totals.failedCalls === totals.totalCalls;
  return hasOnlyFailed
    ? { isCharged: false, rule: 'all_calls_failed' }
    : { isCharged: true, rule: 'completed' };
}

/**
 * Whether a job that failed, was cancelled or has expired is charged, by the rule of its team.
 *
 * @param freeEndingsUsed how many jobs the allowance has let go free in its window already
 */
export function decideEnding(totals: JobTotals, terms: EndingTerms, freeEndingsUsed: number): ChargeDecision {
  const rule = terms.fairOutcome;
  switch (rule) {
    case 'trusted':
      return { isCharged: false, rule };
    case 'server_observed':
      return {
        isCharged: totals.totalCalls > 0 && totals.failedCalls + totals.schemaMissedCalls === 0,
        rule,
      };
    case 'allowance':
      return { isCharged: takesFromAllowance(totals) && freeEndingsUsed >= terms.freeEndings, rule };
  }
}

/**
 * Only a job that had something of its calls uses up a free ending. A call that still runs counts as one that
 * succeeds: its caller gets the answer, and could otherwise end every job for nothing just before it comes.
 */
export function takesFromAllowance(totals: JobTotals): boolean {
  return totals.successfulCalls > 0 || totals.runningCalls > 0;
}

/** Average latency of the successful calls in whole milliseconds; 0 if there is none. */
export function averageLatencyMs(totals: JobTotals): number {
  return totals.successfulCalls === 0 ? 0 : Math.round(totals.totalLatencyMs / totals.successfulCalls);
}

/** The limit of one request holds for what several have put together. @throws DomainError validation_failed */
export function refuseLargeMetadata(merged: object): void {
  if (Buffer.byteLength(JSON.stringify(merged)) <= MAX_METADATA_BYTES) return;
  throw invalidField(
    'metadata',
    'too_large',
    `would make the job's metadata larger than ${String(MAX_METADATA_BYTES)} bytes`,
  );
}
