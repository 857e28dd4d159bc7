import { DomainError } from '../common/domain-error.js';

/** Nothing is known of the ledger then, neither good nor bad. */
export function verificationTimedOut(): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'verification_timed_out',
    message:
      'A check of the ledger took longer than it may. Raise LEDGER_CHECK_TIMEOUT_MS, or run the command verify-ledger.',
  });
}
