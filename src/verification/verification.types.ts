import type { LedgerDifference } from './verify-ledger.js';

/** What a verification of the whole ledger came to. */
export interface Verification {
  /** When it began; it sees nothing that came after. */
  readonly checkedAt: Date;
  readonly durationMs: number;
  /** Every check, with how many differences it listed. */
  readonly checks: readonly { readonly name: string; readonly differences: number }[];
  readonly differences: readonly LedgerDifference[];
}
