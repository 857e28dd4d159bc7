import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { decodeCursor, invalidCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { monthOf, parseMonth } from '../common/time.js';
import { Transactions } from '../database/transactions.js';
import { grantStatus } from './credit-draws.js';
import { CreditReportsRepository } from './credit-reports.repository.js';
import { type CreditStatement, mergeMovements, totalMovements } from './credit-statement.js';
import { futurePeriod, invalidPeriod } from './credits.errors.js';
import { CreditsService } from './credits.service.js';
import type {
  CreditTransaction,
  GrantRecord,
  GrantStatus,
  HistoricBalance,
  TransactionFilter,
} from './credits.types.js';

export type GrantWithStatus = GrantRecord & { readonly status: GrantStatus };

/** What the ledger tells of a team. */
@Injectable()
export class CreditReportsService {
  constructor(
    private readonly repository: CreditReportsRepository,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** What changed the credits that remain, newest first. @throws DomainError team_not_found, validation_failed */
  async listTransactions(
    teamId: string,
    filter: TransactionFilter,
    { cursor, limit }: PageRequest,
  ): Promise<Page<CreditTransaction>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    await this.credits.getBalance(teamId);
    const manager = this.transactions.manager;
    const rows = await this.repository.listTransactions(manager, teamId, filter, after, limit + 1);
    // A cursor of another list would look like the end of this one.
    if (rows === null) throw invalidCursor();
    return toPage(rows, limit, (transaction) => transaction.transactionId);
  }

  /** The team's grants, newest first. @throws DomainError team_not_found, validation_failed */
  async listGrants(teamId: string, { cursor, limit }: PageRequest): Promise<Page<GrantWithStatus>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    await this.credits.getBalance(teamId);
    const rows = await this.repository.listGrants(this.transactions.manager, teamId, after, limit + 1);
    return toPage(
      rows.map((grant) => this.withStatus(grant)),
      limit,
      (grant) => grant.grantId,
    );
  }

  withStatus(grant: GrantRecord): GrantWithStatus {
    return { ...grant, status: grantStatus(grant, this.clock.now()) };
  }

  /** How a grant was booked; the same whenever it is asked for. */
  async getAllocation(grant: GrantRecord): Promise<CreditTransaction> {
    return this.repository.getAllocation(this.transactions.manager, grant.teamId, grant.grantId);
  }

  /** How a refund was booked; the same whenever it is asked for. */
  async getRefund(teamId: string, refundId: string): Promise<CreditTransaction> {
    return this.repository.getRefund(this.transactions.manager, teamId, refundId);
  }

  /**
   * All accounts of the team as they were at an instant, with what was booked at that instant. Exact, because
   * the time of the ledger never runs against its sequence, and never changes for an instant that has passed.
   *
   * @throws DomainError team_not_found
   */
  async balanceAsOf(teamId: string, instant: Date): Promise<HistoricBalance> {
    await this.credits.settle(teamId);
    return this.repository.sumAccounts(this.transactions.manager, teamId, instant);
  }

  /**
   * What a UTC month did to the credits that remain. Of a month in progress: up to now.
   *
   * @param named `YYYY-MM`; null for the month in progress
   * @throws DomainError team_not_found, and validation_failed for no month and for one in the future
   */
  async getStatement(teamId: string, named: string | null): Promise<CreditStatement> {
    const period = named ?? monthOf(this.clock.now());
    const month = parseMonth(period);
    if (month === null) throw invalidPeriod();
    const now = await this.credits.settle(teamId);
    if (month.from > now) throw futurePeriod();
    const isFinal = month.to <= now;
    // The ledger's time is in milliseconds: these are the last one before the month, and its last one so far.
    const before = new Date(month.from.getTime() - 1);
    const last = isFinal ? new Date(month.to.getTime() - 1) : now;
    return this.transactions.read(async (manager) => {
      const movements = mergeMovements(
        await this.repository.listMovements(manager, teamId, month.from, last),
      );
      return {
        teamId,
        period,
        interval: { from: month.from, to: isFinal ? month.to : now },
        isFinal,
        opening: await this.repository.sumAccounts(manager, teamId, before),
        movements,
        totals: totalMovements(movements),
        closing: await this.repository.sumAccounts(manager, teamId, last),
      };
    });
  }
}
