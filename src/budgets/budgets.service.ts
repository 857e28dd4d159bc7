import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { teamNotFound } from '../common/access.errors.js';
import { Clock } from '../common/clock.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { termsOf } from './budget-rules.js';
import { BudgetsRepository } from './budgets.repository.js';
import {
  type BudgetTerms,
  DEFAULT_BUDGET,
  type EndingTerms,
  type JobTerms,
  type TeamBudget,
} from './budgets.types.js';

/** What jobs of a team cost in credits, and when one is free. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly repository: BudgetsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Of a new team, in the transaction that creates it. @returns the budget with the defaults it took */
  async create(manager: EntityManager, teamId: string, terms: Partial<BudgetTerms>): Promise<TeamBudget> {
    const budget: TeamBudget = { ...DEFAULT_BUDGET, ...terms, teamId, updatedAt: this.clock.now() };
    await this.repository.insert(manager, budget);
    return budget;
  }

  /** @throws DomainError team_not_found */
  async get(teamId: string, manager = this.transactions.manager): Promise<TeamBudget> {
    const budget = await this.repository.find(manager, teamId);
    if (budget === null) throw teamNotFound(teamId);
    return budget;
  }

  /**
   * Changes what is given and leaves the rest. Jobs that were created before keep their mode and rates; what
   * is free is decided when a job ends. Idempotent.
   *
   * @throws DomainError team_not_found
   */
  async update(teamId: string, change: Partial<BudgetTerms & EndingTerms>): Promise<TeamBudget> {
    return this.transactions.run(async (manager) => {
      const isFound = await this.repository.update(manager, teamId, {
        ...change,
        updatedAt: this.clock.now(),
      });
      if (!isFound) throw teamNotFound(teamId);
      return this.get(teamId, manager);
    });
  }

  /** What holds for a job of this type right now. @throws DomainError team_not_found */
  async termsFor(manager: EntityManager, teamId: string, jobType: string): Promise<JobTerms> {
    const budget = await this.get(teamId, manager);
    const own = await this.repository.findJobType(manager, teamId, jobType);
    return termsOf(budget, own, this.settings.jobTimeToLiveMs);
  }
}
