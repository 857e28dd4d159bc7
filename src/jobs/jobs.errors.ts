import { DO_NOT_RETRY, DomainError } from '../common/domain-error.js';
import type { CallFailure } from '../gateway/gateway.types.js';
import { OPEN_STATUSES } from './job-rules.js';
import type { JobStatus } from './jobs.types.js';

/** Also for another team's job, so that ids cannot be probed. */
export function jobNotFound(): DomainError {
  return new DomainError({ kind: 'not_found', code: 'job_not_found', message: 'There is no such job.' });
}

export function jobNotOpen(status: JobStatus): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'job_not_open',
    message: OPEN_STATUSES.includes(status)
      ? 'The job was made for one call and takes no other. Create a new job to go on.'
      : `The job has ended (${status}). Create a new job to go on.`,
    headers: DO_NOT_RETRY,
  });
}

/** Something was sent and its end could not be written: a client that tried again would spend again. */
export function callNotRecorded(cause: unknown): DomainError {
  return new DomainError({
    kind: 'internal',
    code: 'internal_error',
    message: 'The call was made, and its answer could not be recorded. It shows in the costs of its job.',
    headers: DO_NOT_RETRY,
    cause,
  });
}

/** Nothing was sent: every model of the group rests after failures. */
export function modelsResting(retryAfterMs: number): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'upstream_unavailable',
    message: 'No model of the group can be asked right now. Nothing was sent; try again later.',
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
  });
}

/** A stream that had begun broke off: told inside the stream, since its status has gone out. */
export function streamBroken(): DomainError {
  return new DomainError({
    kind: 'upstream_failed',
    code: 'upstream_stream_broken',
    message: 'The answer broke off. The call is on record; what has come of it cannot be continued.',
    headers: DO_NOT_RETRY,
  });
}

/** @param hasLeft whether an attempt of the call has left: only if none has is a retry harmless */
export function callFailed(failure: CallFailure, hasLeft: boolean): DomainError {
  const headers = hasLeft ? DO_NOT_RETRY : {};
  switch (failure) {
    case 'upstream_rejected_request':
      return new DomainError({
        kind: 'upstream_rejected',
        code: failure,
        message:
          'The request was refused: a parameter is not supported, the messages are too long, or their content is not allowed.',
      });
    case 'upstream_timeout':
      return new DomainError({
        kind: 'upstream_timeout',
        code: failure,
        message: 'No model of the group answered in time. The call is recorded as failed.',
        headers,
      });
    case 'upstream_failed':
      return new DomainError({
        kind: 'upstream_failed',
        code: failure,
        message: 'No model of the group gave an answer. The call is recorded as failed.',
        headers,
      });
  }
}
