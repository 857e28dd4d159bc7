import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { teamNotFound } from '../common/access.errors.js';
import { Clock } from '../common/clock.js';
import {
  decodeNameCursor,
  encodeNameCursor,
  type Page,
  type PageRequest,
  toPageBy,
} from '../common/pagination.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { CreditsService } from '../credits/credits.service.js';
import { Transactions } from '../database/transactions.js';
import { termsOf } from './budget-rules.js';
import { jobTypeTermsNotFound, jobTypeTooLong } from './budgets.errors.js';
import { BudgetsRepository } from './budgets.repository.js';
import {
  type BudgetTerms,
  DEFAULT_BUDGET,
  type EndingTerms,
  type JobTerms,
  type JobTypeTerms,
  MAX_JOB_TYPE_LENGTH,
  type NewJobTypeTerms,
  type TeamBudget,
} from './budgets.types.js';

/** What jobs of a team cost in credits, and when one is free. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly repository: BudgetsRepository,
    private readonly credits: CreditsService,
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
   * @throws DomainError team_not_found, team_deleted
   */
  async update(teamId: string, change: Partial<BudgetTerms & EndingTerms>): Promise<TeamBudget> {
    return this.transactions.run(async (manager) => {
      await this.credits.lockOpenAccount(manager, teamId);
      const isFound = await this.repository.update(manager, teamId, {
        ...change,
        updatedAt: this.clock.now(),
      });
      if (!isFound) throw teamNotFound(teamId);
      return this.get(teamId, manager);
    });
  }

  /** Of those teams that exist. */
  async list(
    teamIds: readonly string[],
    manager = this.transactions.manager,
  ): Promise<ReadonlyMap<string, TeamBudget>> {
    const budgets = await this.repository.list(manager, teamIds);
    return new Map(budgets.map((budget) => [budget.teamId, budget]));
  }

  /** Types with terms of their own, by name. @throws DomainError team_not_found, validation_failed */
  async listJobTypes(teamId: string, { cursor, limit }: PageRequest): Promise<Page<JobTypeTerms>> {
    const after = cursor === null ? null : decodeNameCursor(cursor);
    await this.get(teamId);
    const rows = await this.repository.listJobTypes(this.transactions.manager, teamId, after, limit + 1);
    return toPageBy(rows, limit, ({ jobType }) => encodeNameCursor(jobType));
  }

  /**
   * Replaces what holds for a type of job. Idempotent.
   *
   * @throws DomainError team_not_found, team_deleted, validation_failed for a type that no job can have
   */
  async replaceJobType(teamId: string, jobType: string, terms: NewJobTypeTerms): Promise<JobTypeTerms> {
    return this.transactions.run(async (manager) => {
      await this.credits.lockOpenAccount(manager, teamId);
      // In code points, as `varchar(n)` counts them.
      if (Array.from(jobType).length > MAX_JOB_TYPE_LENGTH) throw jobTypeTooLong(MAX_JOB_TYPE_LENGTH);
      const saved: JobTypeTerms = { ...terms, teamId, jobType, updatedAt: this.clock.now() };
      await this.repository.saveJobType(manager, saved);
      return saved;
    });
  }

  /** @throws DomainError team_not_found, team_deleted, job_type_terms_not_found */
  async deleteJobType(teamId: string, jobType: string): Promise<void> {
    await this.transactions.run(async (manager) => {
      await this.credits.lockOpenAccount(manager, teamId);
      const isFound = await this.repository.deleteJobType(manager, teamId, jobType);
      if (!isFound) throw jobTypeTermsNotFound(jobType);
    });
  }

  /** What holds for a job of this type right now. @throws DomainError team_not_found */
  async termsFor(manager: EntityManager, teamId: string, jobType: string): Promise<JobTerms> {
    const budget = await this.get(teamId, manager);
    const own = await this.repository.findJobType(manager, teamId, jobType);
    const { jobTimeToLiveMs: timeToLiveMs, mayRetryAmbiguous } = this.settings;
    return termsOf(budget, own, { timeToLiveMs, mayRetryAmbiguous });
  }
}
