import { type DomainError, invalidField } from '../common/domain-error.js';

export function refillAmountMissing(): DomainError {
  return invalidField('refill_amount', 'needs_refill_amount', 'is needed where refills are enabled');
}

export function refillConditionMissing(): DomainError {
  return invalidField(
    'refill_period',
    'needs_refill_condition',
    'or refill_threshold is needed where refills are enabled',
  );
}

export function ceilingBelowAmount(): DomainError {
  return invalidField(
    'monthly_ceiling',
    'below_refill_amount',
    'must not be less than refill_amount, or no refill could ever be made',
  );
}
