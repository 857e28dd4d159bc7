import { CALL_HEADERS } from '../common/idempotency.js';
import type { BegunCall } from './job-calls.types.js';

/** Where a call is to be found, and what was set aside for its job. */
export function callHeaders({ jobId, callId, credits }: BegunCall): Record<string, string> {
  return {
    [CALL_HEADERS.jobId]: jobId,
    [CALL_HEADERS.callId]: callId,
    [CALL_HEADERS.creditsHeld]: String(credits.held),
    ...(credits.available !== null && { [CALL_HEADERS.creditsAvailable]: String(credits.available) }),
  };
}
