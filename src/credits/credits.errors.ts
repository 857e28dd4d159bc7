import { DomainError, invalidField } from '../common/domain-error.js';

/**
 * @param required by the job and by what is still due for jobs before it
 * @param available to a job of its type
 */
export function insufficientCredits(required: number, available: number): DomainError {
  return new DomainError({
    kind: 'insufficient_credits',
    code: 'insufficient_credits',
    message: `The job needs ${String(required)} credit(s) and ${String(available)} are available. Add credits, or end open jobs that hold some.`,
    details: { credits_required: required, credits_available: available },
  });
}

export function creditLimitExceeded(): DomainError {
  return invalidField(
    'credits',
    'credit_limit_exceeded',
    'would grant the team more than 9007199254740991 credits in all',
  );
}

/** Also where the job is not the team's, or does not exist. */
export function chargeNotFound(): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'charge_not_found',
    message: 'The team has no charged job of this id. Only what was charged can be refunded.',
  });
}

/** @param refundable what is left of the charge */
export function refundExceedsCharge(refundable: number): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'refund_exceeds_charge',
    message: `Of this job ${String(refundable)} credit(s) can still be refunded. Ask for at most as many.`,
    details: { credits_refundable: refundable },
  });
}

export function externalReferenceConflict(): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'external_reference_conflict',
    message:
      'This external_reference has granted other credits than these. Repeat the first request, or use another reference.',
  });
}

/** @param overdrawn what the team has overdrawn now */
export function overdraftInUse(overdrawn: number): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'overdraft_in_use',
    message: `The team has overdrawn ${String(overdrawn)} credit(s). Add credits before the limit goes below that.`,
    details: { credits_overdrawn: overdrawn },
  });
}

export function expiresBeforeStart(): DomainError {
  return invalidField('expires_at', 'not_after_start', 'must be later than starts_at');
}

export function expiresInPast(): DomainError {
  return invalidField('expires_at', 'not_in_future', 'must be in the future');
}

export function externalReferenceRequired(): DomainError {
  return invalidField('external_reference', 'required', 'is required without the header Idempotency-Key');
}

export function invalidPeriod(): DomainError {
  return invalidField('period', 'invalid_period', 'must be a month such as 2026-11');
}

export function futurePeriod(): DomainError {
  return invalidField('period', 'future_period', 'must not lie in the future');
}
