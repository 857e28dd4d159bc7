import { newId } from '../common/identifiers.js';
import { compareGrants, eligibleCredits, hasExpired, planDraw, planReturn } from './credit-draws.js';
import {
  type CreditAccountName,
  type CreditBalance,
  type GrantRecord,
  type HoldRecord,
  type JobOfTeam,
  MAX_ISSUED_CREDITS,
  MOVES,
  type NewGrant,
  type TransferKind,
} from './credits.types.js';
import { creditLimitExceeded, insufficientCredits, refundExceedsCharge } from './credits.errors.js';

export type AccountState = Record<CreditAccountName, number> & {
  readonly teamId: string;
  overdraftLimit: number;
  overdrawn: number;
  shortfall: number;
  lastSequence: number;
  readonly isClosed: boolean;
  updatedAt: Date;
};

export type GrantState = GrantRecord & { remaining: number; expired: number };

export type HoldState = HoldRecord & {
  status: HoldRecord['status'];
  captured: number;
  refunded: number;
  shortfall: number;
  overdrawn: number;
  endedAt: Date | null;
  /** What it has from which grant. Of a released hold: what it had. */
  readonly draws: Map<string, number>;
};

export interface TransferState {
  readonly transferId: string;
  readonly sequence: number;
  readonly kind: TransferKind;
  readonly credits: number;
  readonly remainingAfter: number;
  readonly grantId: string | null;
  readonly holdId: string | null;
  readonly callId: string | null;
  readonly refundId: string | null;
}

export interface RefundState {
  readonly refundId: string;
  readonly holdId: string;
  readonly credits: number;
  readonly reason: string | null;
}

/** What is behind the account: every grant with something left, and what the caller is about to end. */
export interface BookContents {
  readonly grants: readonly GrantState[];
  /** Those of the job; and those that are not paid in full, where there is something to pay them with. */
  readonly holds: readonly HoldState[];
}

/**
 * The books of one team, opened under the lock of its account: what may be done with credits, as plain
 * arithmetic. Nothing here reads or writes; the repository loads a book and saves what has changed in it.
 *
 * Two sums hold at all times: the accounts come to 0, and what the grants have left is what is available
 * plus what is overdrawn.
 */
export class CreditBook {
  readonly transfers: TransferState[] = [];
  readonly refunds: RefundState[] = [];
  readonly changedGrants = new Set<GrantState>();
  readonly changedHolds = new Set<HoldState>();
  private readonly grants: Map<string, GrantState>;
  private readonly holds: HoldState[];

  /** @param now read under the account's lock, and never before the account's last change */
  constructor(
    readonly account: AccountState,
    contents: BookContents,
    readonly now: Date,
  ) {
    this.grants = new Map(contents.grants.map((grant) => [grant.grantId, grant]));
    this.holds = [...contents.holds];
  }

  get balance(): CreditBalance {
    return toBalance(this.account);
  }

  holdsOf(jobId: string): readonly HoldState[] {
    return this.holds.filter((hold) => hold.jobId === jobId);
  }

  /** The job's hold that has not ended. */
  runningHoldOf(jobId: string): HoldState {
    const hold = this.holds.find((candidate) => candidate.jobId === jobId && candidate.status === 'held');
    if (hold === undefined) throw new Error(`Job ${jobId} has no running hold.`);
    return hold;
  }

  /** The hold that a job was charged with, if it was. */
  capturedHoldOf(jobId: string): HoldState | undefined {
    return this.holds.find((hold) => hold.jobId === jobId && hold.status === 'captured');
  }

  /**
   * What is due by itself before anything else is decided: credits run out, overdrafts are covered by what
   * has come since, and what was short is taken. Every change begins with it, so that no line of the ledger
   * counts as remaining what had run out before it, and ends with it where credits came.
   */
  settle(): void {
    const expired = [...this.grants.values()].filter(
      (grant) => grant.remaining > 0 && hasExpired(grant, this.now),
    );
    // In an order that a reader of the ledger can repeat.
    for (const grant of expired.sort(compareGrants)) {
      this.expire(grant);
    }
    // Of a team with many debts and nothing to pay them with, none is looked at.
    if (![...this.grants.values()].some((grant) => grant.remaining > 0)) return;
    for (const hold of this.unpaidHolds()) {
      const covered = this.drawFromGrants(hold, hold.overdrawn);
      hold.overdrawn -= covered;
      this.account.overdrawn -= covered;
    }
    for (const hold of this.unpaidHolds()) {
      const collected = this.drawFromGrants(hold, hold.shortfall);
      if (collected === 0) continue;
      hold.shortfall -= collected;
      hold.captured += collected;
      this.account.shortfall -= collected;
      this.post('collection', collected, { holdId: hold.holdId });
    }
  }

  /** @throws DomainError credit_limit_exceeded */
  allocate(input: NewGrant): GrantState {
    if (input.credits > MAX_ISSUED_CREDITS + this.account.issued) throw creditLimitExceeded();
    this.settle();
    const grant: GrantState = {
      ...input,
      grantId: newId(),
      teamId: this.account.teamId,
      remaining: input.credits,
      expired: 0,
      createdAt: this.now,
    };
    this.grants.set(grant.grantId, grant);
    this.changedGrants.add(grant);
    this.post('allocation', grant.credits, { grantId: grant.grantId });
    this.settle();
    return grant;
  }

  /** @throws DomainError insufficient_credits */
  hold(job: JobOfTeam & { readonly jobType: string }, credits: number): HoldState {
    this.settle();
    const spendable = this.spendable(job.jobType);
    if (this.account.shortfall > 0 || spendable < credits) {
      throw insufficientCredits(credits + this.account.shortfall, Math.max(0, spendable));
    }
    const hold: HoldState = {
      holdId: newId(),
      jobId: job.jobId,
      jobType: job.jobType,
      number: this.holdsOf(job.jobId).length + 1,
      credits,
      status: 'held',
      captured: 0,
      refunded: 0,
      shortfall: 0,
      overdrawn: 0,
      createdAt: this.now,
      endedAt: null,
      draws: new Map(),
    };
    this.holds.push(hold);
    this.changedHolds.add(hold);
    this.draw(hold, credits);
    this.post('hold', credits, { holdId: hold.holdId });
    return hold;
  }

  /**
   * Turns a hold into a charge of `due` credits, at least 1: what it lacks is taken from what is there, what
   * is too much goes back.
   */
  capture(hold: HoldState, due: number): void {
    this.settle();
    const first = Math.min(due, hold.credits);
    this.end(hold, 'captured');
    hold.captured = first;
    this.post('capture', first, { holdId: hold.holdId });
    if (due > hold.credits) this.charge(hold, due - hold.credits, null);
    if (due < hold.credits) {
      const remainder = hold.credits - due;
      this.giveBack(hold, remainder);
      this.post('remainder', remainder, { holdId: hold.holdId });
      this.settle();
    }
  }

  /** Charges more for a captured hold: as much as is there; the rest is noted as short. @returns what was there */
  charge(hold: HoldState, due: number, callId: string | null): number {
    this.settle();
    const credits = Math.max(0, Math.min(due, this.spendable(hold.jobType)));
    hold.captured += credits;
    hold.shortfall += due - credits;
    this.account.shortfall += due - credits;
    this.changedHolds.add(hold);
    if (credits > 0) {
      this.draw(hold, credits);
      this.post('overage', credits, { holdId: hold.holdId, callId });
    }
    return credits;
  }

  /** Gives a hold back to the grants it came from. */
  release(hold: HoldState): void {
    this.settle();
    this.end(hold, 'released');
    for (const [grantId, credits] of hold.draws) this.returnTo(grantId, credits);
    this.account.overdrawn -= hold.overdrawn;
    hold.overdrawn = 0;
    this.post('release', hold.credits, { holdId: hold.holdId });
    this.settle();
  }

  /**
   * Gives charged credits back to the grants that paid them; where those have run out, they run out at once.
   *
   * @param credits null for all that is left of the charge, which also forgives what it was short
   * @throws DomainError refund_exceeds_charge
   */
  refund(hold: HoldState, credits: number | null, reason: string | null): RefundState {
    this.settle();
    const refundable = hold.captured - hold.refunded;
    if (refundable === 0 || (credits !== null && credits > refundable)) {
      throw refundExceedsCharge(refundable);
    }
    if (credits === null) {
      this.account.shortfall -= hold.shortfall;
      hold.shortfall = 0;
    }
    const refund: RefundState = {
      refundId: newId(),
      holdId: hold.holdId,
      credits: credits ?? refundable,
      reason,
    };
    this.refunds.push(refund);
    hold.refunded += refund.credits;
    this.giveBack(hold, refund.credits);
    this.post('refund', refund.credits, { holdId: hold.holdId, refundId: refund.refundId });
    this.settle();
    return refund;
  }

  /** What a job of this type could be paid with now, overdraft included. */
  spendable(jobType: string): number {
    return (
      eligibleCredits(this.grants.values(), jobType, this.now) +
      this.account.overdraftLimit -
      this.account.overdrawn
    );
  }

  private unpaidHolds(): HoldState[] {
    return this.holds
      .filter((hold) => hold.overdrawn > 0 || hold.shortfall > 0)
      .sort((one, other) => (one.holdId < other.holdId ? -1 : 1));
  }

  private expire(grant: GrantState): void {
    const credits = grant.remaining;
    grant.remaining = 0;
    grant.expired += credits;
    this.changedGrants.add(grant);
    this.post('expiry', credits, { grantId: grant.grantId });
  }

  private end(hold: HoldState, status: 'captured' | 'released'): void {
    if (hold.status !== 'held') throw new Error(`Hold ${hold.holdId} has ended (${hold.status}).`);
    hold.status = status;
    hold.endedAt = this.now;
    this.changedHolds.add(hold);
  }

  /** Takes what the caller has found to be spendable: from grants first, from the overdraft then. */
  private draw(hold: HoldState, credits: number): void {
    const overdrawn = credits - this.drawFromGrants(hold, credits);
    hold.overdrawn += overdrawn;
    this.account.overdrawn += overdrawn;
  }

  private drawFromGrants(hold: HoldState, credits: number): number {
    if (credits === 0) return 0;
    let drawn = 0;
    for (const part of planDraw(this.grants.values(), credits, hold.jobType, this.now)) {
      const grant = this.grantOf(part.grantId);
      grant.remaining -= part.credits;
      hold.draws.set(part.grantId, (hold.draws.get(part.grantId) ?? 0) + part.credits);
      this.changedGrants.add(grant);
      this.changedHolds.add(hold);
      drawn += part.credits;
    }
    return drawn;
  }

  /** Takes part of a hold's credits away from it: what was overdrawn first, what was drawn last next. */
  private giveBack(hold: HoldState, credits: number): void {
    this.changedHolds.add(hold);
    const covered = Math.min(credits, hold.overdrawn);
    hold.overdrawn -= covered;
    this.account.overdrawn -= covered;
    const drawn = [...hold.draws].map(([grantId, part]) => ({ grant: this.grantOf(grantId), credits: part }));
    let returned = covered;
    for (const part of planReturn(drawn, credits - covered)) {
      hold.draws.set(part.grantId, (hold.draws.get(part.grantId) ?? 0) - part.credits);
      this.returnTo(part.grantId, part.credits);
      returned += part.credits;
    }
    if (returned !== credits) throw new Error(`Hold ${hold.holdId} has not drawn what it gives back.`);
  }

  private returnTo(grantId: string, credits: number): void {
    const grant = this.grantOf(grantId);
    grant.remaining += credits;
    this.changedGrants.add(grant);
  }

  private grantOf(grantId: string): GrantState {
    const grant = this.grants.get(grantId);
    if (grant === undefined) throw new Error(`Grant ${grantId} is not in the book.`);
    return grant;
  }

  private post(
    kind: TransferKind,
    credits: number,
    subject: { grantId?: string; holdId?: string; callId?: string | null; refundId?: string },
  ): void {
    const { debit, credit } = MOVES[kind];
    this.account[debit] -= credits;
    this.account[credit] += credits;
    this.account.lastSequence += 1;
    this.account.updatedAt = this.now;
    this.transfers.push({
      transferId: newId(),
      sequence: this.account.lastSequence,
      kind,
      credits,
      remainingAfter: this.account.available + this.account.held,
      grantId: subject.grantId ?? null,
      holdId: subject.holdId ?? null,
      callId: subject.callId ?? null,
      refundId: subject.refundId ?? null,
    });
  }
}

export function toBalance(account: AccountState): CreditBalance {
  return {
    teamId: account.teamId,
    // `issued` grows negative; 0 - x rather than -x, which would make a minus zero.
    allocated: 0 - account.issued,
    used: account.consumed,
    held: account.held,
    available: account.available,
    expired: account.expired,
    remaining: account.available + account.held,
    shortfall: account.shortfall,
    overdraftLimit: account.overdraftLimit,
  };
}
