import { invalidField } from '../common/domain-error.js';
import { MAX_METADATA_BYTES } from '../common/validators.js';
import type { CompletionStatus, JobStatus, JobTotals } from './jobs.types.js';

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

/** Credits that one job costs. */
export const CREDITS_PER_JOB = 1;

/**
 * Whether the job's hold becomes a charge. A completed job is charged, unless it made calls and every
 * one has failed; calls still running count as made and not failed. A job without calls is charged: its
 * application got what it wanted without one. Every other end is free.
 */
export function isCharged(status: CompletionStatus, totals: JobTotals): boolean {
  if (status !== 'completed') return false;
  const hasOnlyFailed = totals.totalCalls > 0 && totals.failedCalls === totals.totalCalls;
  return !hasOnlyFailed;
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
