import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { adminKeyRequired, teamDeleted, teamNotFound } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { newId } from '../common/identifiers.js';
import { decodeCursor, invalidCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { insufficientCredits } from './credits.errors.js';
import { CreditsRepository } from './credits.repository.js';
import type { CreditBalance, CreditTransaction, GrantRecord } from './credits.types.js';

/**
 * Two-phase credits, as TigerBeetle's transfers: a job holds credits when it is created; the hold is
 * captured or released when it ends. Every change is one transfer under the lock of the team's account.
 * Lock order of a transaction that does more: job, hold, account, grants.
 */
@Injectable()
export class CreditsService {
  constructor(
    private readonly repository: CreditsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Opens the account of a new team, in the transaction that creates it. */
  async openAccount(manager: EntityManager, teamId: string): Promise<void> {
    await this.repository.insertAccount(manager, teamId, this.clock.now());
  }

  /** Refuses further grants, in the transaction that deletes the team. */
  async closeAccount(manager: EntityManager, teamId: string): Promise<void> {
    await this.repository.closeAccount(manager, teamId);
  }

  /** @throws DomainError team_not_found */
  async getBalance(teamId: string, manager = this.transactions.manager): Promise<CreditBalance> {
    const balance = await this.repository.findBalance(manager, teamId);
    if (balance === null) throw teamNotFound(teamId);
    return balance;
  }

  /** Of those teams that have an account. */
  async listBalances(
    teamIds: readonly string[],
    manager = this.transactions.manager,
  ): Promise<ReadonlyMap<string, CreditBalance>> {
    return this.repository.listBalances(manager, teamIds);
  }

  /** What changed the credits that remain, newest first. @throws DomainError team_not_found, validation_failed */
  async listTransactions(teamId: string, { cursor, limit }: PageRequest): Promise<Page<CreditTransaction>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    await this.getBalance(teamId);
    const manager = this.transactions.manager;
    const rows = await this.repository.listTransactions(manager, teamId, after, limit + 1);
    // A cursor of another list would look like the end of this one.
    if (rows === null) throw invalidCursor();
    return toPage(rows, limit, (transaction) => transaction.transactionId);
  }

  /**
   * Grants credits in a transaction of its own, for the admin, and for a team where the deployment allows
   * self-service. Not idempotent: asked twice, it grants twice.
   *
   * @throws DomainError admin_key_required, team_not_found, team_deleted, credit_limit_exceeded
   */
  async addCredits(
    principal: Principal,
    teamId: string,
    credits: number,
    reason: string | null,
  ): Promise<{ balance: CreditBalance; grant: GrantRecord }> {
    if (principal.role === 'team' && !this.settings.hasTeamCreditSelfService) throw adminKeyRequired();
    return this.transactions.run((manager) => this.grant(manager, teamId, credits, reason));
  }

  /**
   * Grants credits in the caller's transaction.
   *
   * @param credits whole, at least 1
   * @throws DomainError team_not_found, team_deleted, credit_limit_exceeded
   */
  async grant(
    manager: EntityManager,
    teamId: string,
    credits: number,
    reason: string | null,
  ): Promise<{ balance: CreditBalance; grant: GrantRecord }> {
    await this.getBalance(teamId, manager);
    const grant: GrantRecord = { grantId: newId(), teamId, credits, reason, createdAt: this.clock.now() };
    await this.repository.insertGrant(manager, grant);
    const balance = await this.repository.transfer(manager, teamId, 'allocation', credits, {
      grantId: grant.grantId,
    });
    if (balance === null) throw teamDeleted(teamId);
    return { balance, grant };
  }

  /**
   * Sets credits aside for a job, in the transaction that creates the job. Whether they are there is
   * decided under the account's lock, so parallel jobs cannot oversell.
   *
   * @throws DomainError insufficient_credits
   */
  async hold(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    credits: number,
  ): Promise<CreditBalance> {
    const holdId = newId();
    await this.repository.insertHold(manager, {
      ...job,
      holdId,
      number: 1,
      credits,
      createdAt: this.clock.now(),
    });
    const balance = await this.repository.transfer(manager, job.teamId, 'hold', credits, { holdId });
    if (balance === null) {
      throw insufficientCredits(credits, (await this.getBalance(job.teamId, manager)).available);
    }
    const drawn = await this.repository.drawGrants(manager, { teamId: job.teamId, holdId, credits });
    if (drawn !== credits) {
      throw new Error(`Grants of team ${job.teamId} gave ${String(drawn)} of ${String(credits)} credits.`);
    }
    return balance;
  }

  /**
   * Turns the job's hold into a charge, in the transaction that ends the job.
   *
   * @returns the credits charged, and the balance after it
   */
  async capture(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
  ): Promise<{ charged: number; balance: CreditBalance }> {
    const { hold, balance } = await this.endHold(manager, job, 'captured', 'capture');
    return { charged: hold.credits, balance };
  }

  /** Gives the job's hold back to the grants it came from, in the transaction that ends the job. */
  async release(manager: EntityManager, job: { teamId: string; jobId: string }): Promise<CreditBalance> {
    const { hold, balance } = await this.endHold(manager, job, 'released', 'release');
    await this.repository.restoreGrants(manager, job.teamId, hold.holdId);
    return balance;
  }

  private async endHold(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    status: 'captured' | 'released',
    kind: 'capture' | 'release',
  ): Promise<{ hold: { holdId: string; credits: number }; balance: CreditBalance }> {
    const hold = await this.repository.endHold(manager, { ...job, status, endedAt: this.clock.now() });
    if (hold === null) throw new Error(`Job ${job.jobId} has no running hold to end.`);
    const balance = await this.repository.transfer(manager, job.teamId, kind, hold.credits, {
      holdId: hold.holdId,
    });
    if (balance === null) throw new Error(`Team ${job.teamId} has no credit account.`);
    return { hold, balance };
  }
}
