import { Injectable } from '@nestjs/common';
import { decodeCursor, invalidCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import { CreditReportsRepository } from './credit-reports.repository.js';
import { CreditsService } from './credits.service.js';
import type { CreditBalance, CreditTransaction } from './credits.types.js';

/** What the ledger tells of a team. */
@Injectable()
export class CreditReportsService {
  constructor(
    private readonly repository: CreditReportsRepository,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
  ) {}

  /** What changed the credits that remain, newest first. @throws DomainError team_not_found, validation_failed */
  async listTransactions(teamId: string, { cursor, limit }: PageRequest): Promise<Page<CreditTransaction>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    await this.credits.getBalance(teamId);
    const manager = this.transactions.manager;
    const rows = await this.repository.listTransactions(manager, teamId, after, limit + 1);
    // A cursor of another list would look like the end of this one.
    if (rows === null) throw invalidCursor();
    return toPage(rows, limit, (transaction) => transaction.transactionId);
  }

  /**
   * What the ledger had come to at an instant, which is not in the future. Credits that had run out and were not
   * booked yet count as available. Shortfall and overdraft limit are not in the ledger, and 0 here.
   *
   * @throws DomainError team_not_found
   */
  async balanceAsOf(teamId: string, instant: Date): Promise<CreditBalance> {
    return this.transactions.run(async (manager) => {
      // What is about to be written has got its time already: without the lock it would be missing.
      await this.credits.lockAccount(manager, teamId);
      const accounts = await this.repository.sumAccounts(manager, teamId, instant);
      return {
        teamId,
        allocated: 0 - accounts.issued,
        used: accounts.consumed,
        held: accounts.held,
        available: accounts.available,
        expired: accounts.expired,
        remaining: accounts.available + accounts.held,
        shortfall: 0,
        overdraftLimit: 0,
      };
    });
  }
}
