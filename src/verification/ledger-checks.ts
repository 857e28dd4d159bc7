import { CREDIT_CHECKS } from './credit-checks.js';
import { JOB_CHECKS } from './job-checks.js';
import type { LedgerCheck } from './ledger-check.js';

/**
 * Everything about money that is kept in two places, derived again from the one that counts: transfers
 * for credits, attempts for costs. No constraint is trusted: a check also finds what one would have refused.
 */
export const LEDGER_CHECKS: readonly LedgerCheck[] = [...CREDIT_CHECKS, ...JOB_CHECKS];
