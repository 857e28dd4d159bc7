import { DomainError, invalidField } from '../common/domain-error.js';

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
