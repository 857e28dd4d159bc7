import { DomainError } from '../common/domain-error.js';

/** One answer for whatever is not there, because what was never stored leaves no trace to tell them apart. */
export function messagesNotFound(): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'messages_not_found',
    message:
      'There are no messages of such a call in the job: they were not stored, have expired, were too large, ' +
      'or were encrypted with another key.',
  });
}
