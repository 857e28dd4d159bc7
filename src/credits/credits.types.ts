/** The accounts of a team. Credits flow from left to right, and back where a row of the table says so. */
export const CREDIT_ACCOUNTS = ['issued', 'available', 'held', 'consumed', 'expired'] as const;
export type CreditAccountName = (typeof CREDIT_ACCOUNTS)[number];

interface Move {
  readonly debit: CreditAccountName;
  readonly credit: CreditAccountName;
  /** What the transfer is about: a grant, or the hold of a job. */
  readonly subject: 'grant' | 'hold';
}

/** The one table of moves: which account a transfer debits and which it credits. */
export const MOVES = {
  allocation: { debit: 'issued', credit: 'available', subject: 'grant' },
  hold: { debit: 'available', credit: 'held', subject: 'hold' },
  capture: { debit: 'held', credit: 'consumed', subject: 'hold' },
  release: { debit: 'held', credit: 'available', subject: 'hold' },
  /** What a capture smaller than its hold gives back. */
  remainder: { debit: 'held', credit: 'available', subject: 'hold' },
  /** What a capture takes beyond its hold, and what a call that ended later adds. */
  overage: { debit: 'available', credit: 'consumed', subject: 'hold' },
  /** What was due and not there, taken when credits came. */
  collection: { debit: 'available', credit: 'consumed', subject: 'hold' },
  refund: { debit: 'consumed', credit: 'available', subject: 'hold' },
  expiry: { debit: 'available', credit: 'expired', subject: 'grant' },
} as const satisfies Readonly<Record<string, Move>>;

export type TransferKind = keyof typeof MOVES;
export const TRANSFER_KINDS = Object.keys(MOVES) as TransferKind[];

const REMAINING: ReadonlySet<CreditAccountName> = new Set(['available', 'held']);

/** Kinds that leave what remains (available + held) as it is: between the two accounts of it. */
export const KINDS_WITHIN_REMAINING: readonly TransferKind[] = TRANSFER_KINDS.filter(
  (kind) => REMAINING.has(MOVES[kind].debit) && REMAINING.has(MOVES[kind].credit),
);

export const HOLD_STATUSES = ['held', 'captured', 'released'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

export const GRANT_KINDS = ['allocation', 'purchase', 'promotion', 'refill'] as const;
export type GrantKind = (typeof GRANT_KINDS)[number];

export const PAYMENT_TYPES = ['subscription', 'one_time'] as const;
export type PaymentType = (typeof PAYMENT_TYPES)[number];

/** What a team's credits come to; whole credits. */
export interface CreditBalance {
  readonly teamId: string;
  /** All that was ever granted. */
  readonly allocated: number;
  /** Charged for jobs, less what was refunded. */
  readonly used: number;
  /** Set aside for open jobs. */
  readonly held: number;
  /** What new jobs can draw on; below zero where an overdraft was used. */
  readonly available: number;
  /** Granted, and run out before they were used. */
  readonly expired: number;
  /** `available` + `held`: a hold does not change it, only a charge does. */
  readonly remaining: number;
  /** Due for jobs and not covered yet; no job begins before it is. */
  readonly shortfall: number;
  /** How far `available` may go below zero. */
  readonly overdraftLimit: number;
}

/** What is to be granted. */
export interface NewGrant {
  readonly credits: number;
  readonly kind: GrantKind;
  readonly reason: string | null;
  /** What a credit of it was sold for; decimal text of USD. Null where it was not sold. */
  readonly unitPriceUsd: string | null;
  /** Lower is drawn first. */
  readonly priority: number;
  /** Null for at once. */
  readonly startsAt: Date | null;
  /** Null for never. */
  readonly expiresAt: Date | null;
  /** Job types that it may pay for; null for all. */
  readonly jobTypes: readonly string[] | null;
  /** The payment, or whatever else it may be granted for once only. */
  readonly externalReference: string | null;
  readonly paymentType: PaymentType | null;
  readonly paymentAmountUsd: string | null;
}

/** Kinds that the admin chooses; the others come of a payment and of a refill. */
export const CHOSEN_GRANT_KINDS = ['allocation', 'purchase', 'promotion'] as const satisfies GrantKind[];

/** A grant with the defaults of everything that is not said. */
export function newGrant(grant: Pick<NewGrant, 'credits' | 'kind' | 'reason'> & Partial<NewGrant>): NewGrant {
  return {
    unitPriceUsd: null,
    priority: 0,
    startsAt: null,
    expiresAt: null,
    jobTypes: null,
    externalReference: null,
    paymentType: null,
    paymentAmountUsd: null,
    ...grant,
  };
}

export interface GrantRecord extends NewGrant {
  readonly grantId: string;
  readonly teamId: string;
  /** What no hold has drawn and what has not run out. */
  readonly remaining: number;
  /** What has run out. */
  readonly expired: number;
  readonly createdAt: Date;
}

export const GRANT_STATUSES = ['scheduled', 'active', 'exhausted', 'expired'] as const;
export type GrantStatus = (typeof GRANT_STATUSES)[number];

export interface HoldRecord {
  readonly holdId: string;
  readonly jobId: string;
  readonly jobType: string;
  /** 1 for a job's first hold. */
  readonly number: number;
  readonly credits: number;
  readonly status: HoldStatus;
  /** Charged in all. */
  readonly captured: number;
  readonly refunded: number;
  /** Due and not there. */
  readonly shortfall: number;
  /** Held or charged without a grant that pays for it. */
  readonly overdrawn: number;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

export interface JobOfTeam {
  readonly teamId: string;
  readonly jobId: string;
}

/** What a charge came to. */
export interface Charge {
  readonly charged: number;
  /** Due and not there: to be covered before the team's next job. */
  readonly shortfall: number;
  readonly balance: CreditBalance;
}

/** Most credits in one grant: far above any sale, and far below what JSON numbers can carry. */
export const MAX_GRANT_CREDITS = 1_000_000_000_000;

/** Most credits ever granted to a team, so that every amount is exact in JSON. */
export const MAX_ISSUED_CREDITS = Number.MAX_SAFE_INTEGER;

export const TRANSACTION_TYPES = [
  'allocation',
  'deduction',
  'refund',
  'adjustment',
  'subscription_payment',
  'one_time_payment',
] as const;
export type TransactionType = (typeof TRANSACTION_TYPES)[number];

/** A change of what remains to a team; holds and their release change nothing of that. */
export interface CreditTransaction {
  readonly transactionId: string;
  readonly type: TransactionType;
  /** Positive, whatever the direction. */
  readonly credits: number;
  readonly remainingBefore: number;
  readonly remainingAfter: number;
  /** Of what is about a job. */
  readonly jobId: string | null;
  /** As given with the grant or the refund, or `Expired`. */
  readonly reason: string | null;
  readonly createdAt: Date;
}

export interface TransactionFilter {
  readonly type: TransactionType | null;
  readonly jobId: string | null;
  /** Inclusive. */
  readonly createdAfter: Date | null;
  /** Exclusive. */
  readonly createdBefore: Date | null;
}

/** The accounts of a team as of an instant. What is short is no account and is not known of the past. */
export type HistoricBalance = Omit<CreditBalance, 'shortfall' | 'overdraftLimit'>;
