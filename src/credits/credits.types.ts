/** The accounts of a team. Credits flow from left to right, and from held back to available. */
export type CreditAccountName = 'issued' | 'available' | 'held' | 'consumed';

export type TransferKind = 'allocation' | 'hold' | 'capture' | 'release';

export const HOLD_STATUSES = ['held', 'captured', 'released'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** What a team's credits come to; whole credits. */
export interface CreditBalance {
  readonly teamId: string;
  /** All that was ever granted. */
  readonly allocated: number;
  /** Charged for completed jobs. */
  readonly used: number;
  /** Set aside for open jobs. */
  readonly held: number;
  /** What a new job can draw on. */
  readonly available: number;
  /** `available` + `held`: a hold does not change it, only a charge does. */
  readonly remaining: number;
}

export interface GrantRecord {
  readonly grantId: string;
  readonly teamId: string;
  readonly credits: number;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** Most credits in one grant: far above any sale, and far below what JSON numbers can carry. */
export const MAX_GRANT_CREDITS = 1_000_000_000_000;

export const TRANSACTION_TYPES = ['allocation', 'deduction'] as const;

/** A change of what remains to a team; holds and their release change nothing of that. */
export interface CreditTransaction {
  readonly transactionId: string;
  readonly type: (typeof TRANSACTION_TYPES)[number];
  /** Positive, whatever the direction. */
  readonly credits: number;
  readonly remainingBefore: number;
  readonly remainingAfter: number;
  /** Of a deduction. */
  readonly jobId: string | null;
  /** Of an allocation, if one was given. */
  readonly reason: string | null;
  readonly createdAt: Date;
}
