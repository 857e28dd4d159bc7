import { DomainError, invalidField } from '../common/domain-error.js';

export function jobTypeTermsNotFound(jobType: string): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'job_type_terms_not_found',
    message: `The team has no terms of its own for jobs of the type ${jobType}.`,
  });
}

/** @param max characters */
export function jobTypeTooLong(max: number): DomainError {
  return invalidField('job_type', 'max_length', `must be shorter than or equal to ${String(max)} characters`);
}

export function allowanceNeedsFairOutcome(field: string): DomainError {
  return invalidField(field, 'needs_fair_outcome', 'goes with a fair_outcome of the type only');
}
