import type { DomainError } from '../common/domain-error.js';
import { STATUS_OF_KIND } from '../common/problem.js';

/** What the caller can put right and then ask for with the same key. */
const RELEASED_STATUSES: ReadonlySet<number> = new Set([401, 402, 422, 429]);

/**
 * Whether an error is an answer that stays. Of those of our side only the ones after which something has
 * left for a provider are: the same key must never spend twice.
 */
export function isStored(error: DomainError): boolean {
  const status = STATUS_OF_KIND[error.kind];
  return status >= 500 ? error.forbidsRetry : !RELEASED_STATUSES.has(status);
}
