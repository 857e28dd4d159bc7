import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Clock } from '../common/clock.js';
import { isSameUsd } from '../common/money.js';
import { Transactions } from '../database/transactions.js';
import type { CreditBook, HoldState } from './credit-book.js';
import {
  chargeNotFound,
  expiresBeforeStart,
  expiresInPast,
  externalReferenceConflict,
  overdraftInUse,
} from './credits.errors.js';
import { CreditsRepository } from './credits.repository.js';
import type { Charge, CreditBalance, GrantRecord, JobOfTeam, NewGrant } from './credits.types.js';

/** A grant, and the balance after it. */
export interface Granted {
  readonly grant: GrantRecord;
  readonly balance: CreditBalance;
  /** Whether an earlier request with the same external reference had granted it. */
  readonly isReplay: boolean;
}

export interface Refunded {
  readonly refundId: string;
  readonly credits: number;
  readonly balance: CreditBalance;
}

/** What a job could be paid with. */
export interface Spendable {
  readonly teamId: string;
  readonly credits: number;
  /** What has to be covered before any job begins. */
  readonly shortfall: number;
  readonly remaining: number;
}

const EXPIRY_BATCH = 100;

/**
 * Two-phase credits, as TigerBeetle's transfers: a job holds credits when it is created; the hold is
 * captured or released when it ends. Every change is made in the book of one team, opened under the lock of
 * its account. Lock order of a transaction that does more: job, account; what is behind the account (holds,
 * grants) is touched only under its lock.
 */
@Injectable()
export class CreditsService {
  private readonly logger = new Logger(CreditsService.name);

  constructor(
    private readonly repository: CreditsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Opens the account of a new team, in the transaction that creates it. */
  async openAccount(manager: EntityManager, teamId: string): Promise<void> {
    await this.repository.insertAccount(manager, teamId, this.clock.now());
  }

  /** Refuses further grants, in the transaction that deletes the team. */
  async closeAccount(manager: EntityManager, teamId: string): Promise<void> {
    await this.repository.closeAccount(manager, teamId);
  }

  /**
   * What the team has right now. Credits that have run out are booked as such first, so that no balance
   * shows what cannot be spent.
   *
   * @throws DomainError team_not_found
   */
  async getBalance(teamId: string): Promise<CreditBalance> {
    await this.bookExpiries(teamId);
    return this.readBalance(this.transactions.manager, teamId);
  }

  /** As the account stands, in the caller's transaction. @throws DomainError team_not_found */
  async readBalance(manager: EntityManager, teamId: string): Promise<CreditBalance> {
    const balance = await this.repository.findBalance(manager, teamId);
    if (balance === null) throw teamNotFound(teamId);
    return balance;
  }

  /**
   * What a job could be paid with right now. Sets nothing aside.
   *
   * @param jobType null for one of which no grant knows
   * @throws DomainError team_not_found
   */
  async getSpendable(teamId: string, jobType: string | null): Promise<Spendable> {
    return this.transactions.read(async (manager) => {
      const book = await this.repository.readBook(manager, teamId, this.clock.now());
      if (book === null) throw teamNotFound(teamId);
      book.settle();
      const credits = Math.max(0, book.spendable(jobType ?? ''));
      return { teamId, credits, shortfall: book.account.shortfall, remaining: book.balance.remaining };
    });
  }

  /** As the accounts stand, of those teams that have one. */
  async listBalances(
    teamIds: readonly string[],
    manager = this.transactions.manager,
  ): Promise<ReadonlyMap<string, CreditBalance>> {
    return this.repository.listBalances(manager, teamIds);
  }

  /**
   * Grants credits in a transaction of its own. Idempotent where the grant has an external reference: asked
   * again, it answers with the first grant.
   *
   * @throws DomainError team_not_found, team_deleted, credit_limit_exceeded, external_reference_conflict, and
   * validation_failed for an end that is not after its start or not in the future
   */
  async addCredits(teamId: string, grant: NewGrant): Promise<Granted> {
    return this.transactions.run((manager) => this.grant(manager, teamId, grant));
  }

  /** As {@link addCredits}, in the caller's transaction. */
  async grant(manager: EntityManager, teamId: string, input: NewGrant): Promise<Granted> {
    const book = await this.open(manager, teamId, null, () => true);
    // Under the lock, so of two requests with one reference the second finds the grant of the first.
    const earlier =
      input.externalReference === null
        ? null
        : await this.repository.findGrantByReference(manager, teamId, input.externalReference);
    if (earlier !== null) {
      if (!isSameGrant(earlier, input)) throw externalReferenceConflict();
      return { grant: earlier, balance: book.balance, isReplay: true };
    }
    if (book.account.isClosed) throw teamDeleted(teamId);
    // Not before: a payment event may be repeated after the credits that it granted have run out.
    refuseBadEnd(input, book.now);
    const grant = book.allocate(input);
    await this.repository.saveBook(manager, book);
    return { grant, balance: book.balance, isReplay: false };
  }

  /**
   * Sets credits aside for a job, in the transaction that creates the job or takes it up again. Whether they
   * are there is decided under the account's lock, so parallel jobs cannot oversell.
   *
   * @throws DomainError insufficient_credits
   */
  async hold(
    manager: EntityManager,
    job: JobOfTeam & { readonly jobType: string },
    credits: number,
  ): Promise<CreditBalance> {
    const book = await this.open(manager, job.teamId, job.jobId);
    book.hold(job, credits);
    await this.repository.saveBook(manager, book);
    return book.balance;
  }

  /**
   * Turns the job's hold into a charge, in the transaction that ends the job. More than was held is taken
   * from what is there, and what is not there is noted as short; less is given back.
   *
   * @param due whole credits, at least 1
   */
  async capture(manager: EntityManager, job: JobOfTeam, due: number): Promise<Charge> {
    const book = await this.open(manager, job.teamId, job.jobId, (holds) =>
      holds.some((hold) => hold.status === 'held' && hold.credits > due),
    );
    const hold = book.runningHoldOf(job.jobId);
    book.capture(hold, due);
    await this.repository.saveBook(manager, book);
    return { charged: hold.captured, shortfall: hold.shortfall, balance: book.balance };
  }

  /**
   * Charges a job for a call that ended after it, in the transaction that records the call.
   *
   * @param due whole credits, at least 1, beyond what the job was charged already
   */
  async chargeLate(manager: EntityManager, job: JobOfTeam, callId: string, due: number): Promise<Charge> {
    const book = await this.open(manager, job.teamId, job.jobId);
    const hold = book.capturedHoldOf(job.jobId);
    if (hold === undefined) throw new Error(`Job ${job.jobId} was not charged.`);
    const charged = book.charge(hold, due, callId);
    await this.repository.saveBook(manager, book);
    return { charged, shortfall: due - charged, balance: book.balance };
  }

  /** Gives the job's hold back to the grants it came from, in the transaction that ends the job. */
  async release(manager: EntityManager, job: JobOfTeam): Promise<CreditBalance> {
    const book = await this.open(manager, job.teamId, job.jobId, (holds) =>
      holds.some((hold) => hold.status === 'held' && hold.draws.size > 0),
    );
    book.release(book.runningHoldOf(job.jobId));
    await this.repository.saveBook(manager, book);
    return book.balance;
  }

  /**
   * Gives back what a job was charged, or a part of it, to the grants that paid it. Not idempotent: asked
   * twice for a part, it gives back twice, up to the charge.
   *
   * @param credits whole, at least 1; null for all that is left of the charge
   * @throws DomainError team_not_found, charge_not_found, refund_exceeds_charge
   */
  async refund(job: JobOfTeam, credits: number | null, reason: string | null): Promise<Refunded> {
    return this.transactions.run(async (manager) => {
      const book = await this.open(manager, job.teamId, job.jobId, () => true);
      const hold = book.capturedHoldOf(job.jobId);
      if (hold === undefined) throw chargeNotFound();
      const refund = book.refund(hold, credits, reason);
      await this.repository.saveBook(manager, book);
      return { refundId: refund.refundId, credits: refund.credits, balance: book.balance };
    });
  }

  /**
   * Sets how far a team's credits may go below zero. Idempotent.
   *
   * @throws DomainError team_not_found, team_deleted, overdraft_in_use
   */
  async setOverdraftLimit(teamId: string, limit: number): Promise<CreditBalance> {
    return this.transactions.run(async (manager) => {
      const book = await this.open(manager, teamId, null);
      if (book.account.isClosed) throw teamDeleted(teamId);
      if (limit < book.account.overdrawn) throw overdraftInUse(book.account.overdrawn);
      await this.repository.setOverdraftLimit(manager, teamId, limit);
      return { ...book.balance, overdraftLimit: limit };
    });
  }

  /**
   * Books the team's credits that have run out. Nothing depends on it but what balances and reports show:
   * credits that have run out are not drawn, booked or not.
   */
  async bookExpiries(teamId: string): Promise<void> {
    if (!(await this.repository.hasExpired(this.transactions.manager, teamId, this.clock.now()))) return;
    await this.settle(teamId);
  }

  /**
   * Books everything of the team that is due, waiting for whoever changes its credits right now.
   *
   * @returns when that was: nothing that is booked later has an earlier time
   * @throws DomainError team_not_found
   */
  async settle(teamId: string): Promise<Date> {
    return this.transactions.run(async (manager) => {
      const book = await this.open(manager, teamId, null);
      book.settle();
      await this.repository.saveBook(manager, book);
      return book.now;
    });
  }

  /** Keeps every other change of the team's credits waiting until the caller's transaction ends. */
  async lockAccount(manager: EntityManager, teamId: string): Promise<void> {
    await this.open(manager, teamId, null);
  }

  /** As {@link lockAccount}, for a change that a deleted team takes no more. @throws DomainError team_deleted */
  async lockOpenAccount(manager: EntityManager, teamId: string): Promise<void> {
    const book = await this.open(manager, teamId, null);
    if (book.account.isClosed) throw teamDeleted(teamId);
  }

  /** As {@link bookExpiries} for all teams; safe on several replicas. @returns how many teams it booked */
  async sweepExpiries(): Promise<number> {
    const manager = this.transactions.manager;
    const teamIds = await this.repository.listTeamsWithExpired(manager, this.clock.now(), EXPIRY_BATCH);
    let booked = 0;
    for (const teamId of teamIds) {
      try {
        await this.bookExpiries(teamId);
        booked += 1;
      } catch (error) {
        // One team that cannot be booked must not keep the others waiting.
        this.logger.error({ teamId, err: error }, 'Expired credits could not be booked; it is tried again.');
      }
    }
    return booked;
  }

  /** @param bringsCredits whether credits come that could pay what is not paid; what is there is seen anyway */
  private async open(
    manager: EntityManager,
    teamId: string,
    jobId: string | null,
    bringsCredits: (holdsOfJob: readonly HoldState[]) => boolean = () => false,
  ): Promise<CreditBook> {
    const book = await this.repository.openBook(manager, teamId, jobId, this.clock, bringsCredits);
    if (book === null) throw teamNotFound(teamId);
    return book;
  }
}

/** Whether a request asks for the grant that is there, in everything that can be asked for. */
function isSameGrant(grant: GrantRecord, input: NewGrant): boolean {
  return (
    grant.credits === input.credits &&
    grant.kind === input.kind &&
    grant.reason === input.reason &&
    isSameUsd(grant.unitPriceUsd, input.unitPriceUsd) &&
    grant.priority === input.priority &&
    grant.startsAt?.getTime() === input.startsAt?.getTime() &&
    grant.expiresAt?.getTime() === input.expiresAt?.getTime() &&
    isSameSet(grant.jobTypes, input.jobTypes) &&
    grant.paymentType === input.paymentType &&
    isSameUsd(grant.paymentAmountUsd, input.paymentAmountUsd)
  );
}

/** @param left without repetitions, as `right` */
function isSameSet(left: readonly string[] | null, right: readonly string[] | null): boolean {
  if (left === null || right === null) return left === right;
  return left.length === right.length && left.every((item) => right.includes(item));
}

function refuseBadEnd({ startsAt, expiresAt }: NewGrant, now: Date): void {
  if (expiresAt === null) return;
  if (expiresAt <= now) throw expiresInPast();
  if (startsAt !== null && expiresAt <= startsAt) throw expiresBeforeStart();
}
