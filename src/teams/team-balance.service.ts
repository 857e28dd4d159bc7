import { Injectable } from '@nestjs/common';
import type { TeamBudget } from '../budgets/budgets.types.js';
import { Clock } from '../common/clock.js';
import { CreditReportsService } from '../credits/credit-reports.service.js';
import type { CreditBalance, HistoricBalance } from '../credits/credits.types.js';
import { Transactions } from '../database/transactions.js';
import { RefillsService } from '../refills/refills.service.js';
import type { TeamRefills } from '../refills/refills.types.js';
import { instantInFuture } from './teams.errors.js';
import { TeamsService } from './teams.service.js';
import type { TeamRecord } from './teams.types.js';

/** The credits of a team, with what decides about them. */
export interface TeamBalance {
  readonly team: TeamRecord;
  readonly balance: HistoricBalance;
  /** What the ledger does not tell of an instant that is over; null with that. */
  readonly debts: Pick<CreditBalance, 'shortfall' | 'overdraftLimit'> | null;
  readonly budget: TeamBudget;
  readonly refills: TeamRefills;
}

@Injectable()
export class TeamBalanceService {
  constructor(
    private readonly teams: TeamsService,
    private readonly refills: RefillsService,
    private readonly reports: CreditReportsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * @param asOf null for right now; settings and status are those of now in any case
   * @throws DomainError team_not_found, validation_failed for an instant in the future
   */
  async get(teamId: string, asOf: Date | null): Promise<TeamBalance> {
    if (asOf !== null && asOf > this.clock.now()) throw instantInFuture();
    const { team, balance, budget } = await this.teams.getOverview(teamId);
    const past = asOf === null ? null : await this.reports.balanceAsOf(teamId, asOf);
    const refills = await this.refills.get(teamId, this.transactions.manager);
    return { team, balance: past ?? balance, debts: past === null ? balance : null, budget, refills };
  }
}
