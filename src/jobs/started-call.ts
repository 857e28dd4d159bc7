import type { AdmittedCall } from './call-admission.service.js';
import type { BegunCall } from './job-calls.types.js';

/** A call under way. `startedAtMs` is of `performance.now()`, since its client asked. */
export interface StartedCall extends AdmittedCall {
  readonly startedAtMs: number;
}

/** Whole milliseconds since the client of a call asked. */
export function sinceStart({ startedAtMs }: StartedCall): number {
  return Math.round(performance.now() - startedAtMs);
}

export function begunOf({ jobId, callId, startedAt, modelGroup, credits }: StartedCall): BegunCall {
  return { jobId, callId, startedAt, modelGroup, credits };
}
