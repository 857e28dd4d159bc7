import { DO_NOT_RETRY, DomainError } from '../common/domain-error.js';

/** The call took so long that it was given up for dead; what it cost is on record as unknown. */
export function callInterrupted(): DomainError {
  return new DomainError({
    kind: 'upstream_timeout',
    code: 'call_interrupted',
    message: 'The call was interrupted and has no answer.',
    headers: DO_NOT_RETRY,
  });
}
