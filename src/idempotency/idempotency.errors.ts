import { DO_NOT_RETRY, DomainError, invalidField } from '../common/domain-error.js';

/** @param why what is wrong with the header, as the end of a sentence */
export function invalidIdempotencyKey(
  why = 'must be 1 to 255 printable ASCII characters, bare or in double quotes',
): DomainError {
  return invalidField('Idempotency-Key', 'invalid_idempotency_key', why);
}

export function idempotencyKeyReused(): DomainError {
  return new DomainError({
    kind: 'invalid',
    code: 'idempotency_key_reused',
    message:
      'The Idempotency-Key was sent before with another path, query or body. Use a new key for a new request.',
    headers: DO_NOT_RETRY,
  });
}

/** The one conflict that a client shall try again. */
export function idempotencyInProgress(): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'idempotency_in_progress',
    message: 'The first request with this Idempotency-Key still runs. Ask again shortly for its answer.',
    headers: { 'retry-after': '1', 'x-should-retry': 'true' },
  });
}

export function idempotentAnswerTooLarge(): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'idempotent_answer_too_large',
    message:
      'The first request with this Idempotency-Key was carried out, and its answer was too large to be kept. Read what it made, such as the job.',
    headers: DO_NOT_RETRY,
  });
}

export function idempotentAnswerUnreadable(): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'idempotent_answer_unreadable',
    message:
      'The first request with this Idempotency-Key was carried out, and its answer cannot be read any more. Read what it made, such as the job.',
    headers: DO_NOT_RETRY,
  });
}
