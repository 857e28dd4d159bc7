import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Principal, teamOf } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { isUuid, newId } from '../common/identifiers.js';
import { decodeCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import type { JobTerms } from '../budgets/budgets.types.js';
import { BudgetsService } from '../budgets/budgets.service.js';
import type { CreditBalance } from '../credits/credits.types.js';
import { CreditsService } from '../credits/credits.service.js';
import { Transactions } from '../database/transactions.js';
import { TeamsService } from '../teams/teams.service.js';
import type { CostVisibility } from '../teams/teams.types.js';
import { refuseLargeMetadata } from './job-rules.js';
import { jobNotFound } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import type { CompletionSnapshot, JobFilter, JobRecord } from './jobs.types.js';

export interface NewJob {
  /** May be null with a team key, which then names the team. */
  readonly teamId: string | null;
  readonly jobType: string;
  readonly userId: string | null;
  readonly metadata: object;
}

/** Creating, reading and listing jobs. Their calls and their end have services of their own. */
@Injectable()
export class JobsService {
  constructor(
    private readonly repository: JobsRepository,
    private readonly teams: TeamsService,
    private readonly budgets: BudgetsService,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a job and holds its credits, in one transaction.
   *
   * @throws DomainError insufficient_credits, team_suspended, organization_suspended, team_not_found,
   * team_deleted, other_team
   */
  async create(principal: Principal, input: NewJob): Promise<JobRecord> {
    return this.transactions.run(async (manager) => {
      const { job } = await this.createIn(manager, principal, input, { endsWithCall: false });
      return job;
    });
  }

  /**
   * As {@link create}, in the caller's transaction.
   *
   * @param options.endsWithCall whether the job is made for one call, and ends in the transaction that
   * records it
   * @returns the job, and what the team has after its hold
   */
  async createIn(
    manager: EntityManager,
    principal: Principal,
    input: NewJob,
    { endsWithCall }: { endsWithCall: boolean },
  ): Promise<{ job: JobRecord; balance: CreditBalance }> {
    const teamId = teamOf(principal, input.teamId);
    await this.teams.admitWork(manager, principal, teamId, 'job');
    const terms = await this.budgets.termsFor(manager, teamId, input.jobType);
    const job = this.newJob({ ...input, teamId, endsWithCall }, terms);
    await this.repository.insert(manager, job);
    const balance = await this.credits.hold(manager, job, job.creditsHeld);
    return { job, balance };
  }

  private newJob(input: NewJob & { teamId: string; endsWithCall: boolean }, terms: JobTerms): JobRecord {
    const now = this.clock.now();
    return {
      jobId: newId(),
      teamId: input.teamId,
      jobType: input.jobType,
      userId: input.userId,
      status: 'pending',
      metadata: input.metadata,
      errorMessage: null,
      creditsHeld: terms.holdCredits,
      creditApplied: false,
      creditsCharged: 0,
      creditsShortfall: 0,
      chargeRule: null,
      budgetMode: terms.budgetMode,
      creditsPerDollar: terms.creditsPerDollar,
      tokensPerCredit: terms.tokensPerCredit,
      timeToLiveMs: terms.timeToLiveMs,
      mayRetryAmbiguous: terms.mayRetryAmbiguous,
      expiresAt: new Date(now.getTime() + terms.timeToLiveMs),
      totalCalls: 0,
      successfulCalls: 0,
      failedCalls: 0,
      runningCalls: 0,
      unpricedCalls: 0,
      schemaMissedCalls: 0,
      totalTokens: 0,
      totalCostUsd: '0',
      totalLatencyMs: 0,
      modelGroupsUsed: [],
      endsWithCall: input.endsWithCall,
      completion: null,
      createdAt: now,
      startedAt: null,
      completedAt: null,
      updatedAt: now,
    };
  }

  /** @throws DomainError job_not_found, also for another team's job */
  async get(scope: JobScope, manager: EntityManager = this.transactions.manager): Promise<JobRecord> {
    const job = await this.repository.find(manager, scope);
    if (job === null) throw jobNotFound();
    return job;
  }

  /** Newest first. @throws DomainError team_not_found if the filter names one, validation_failed */
  async list(filter: JobFilter, { cursor, limit }: PageRequest): Promise<Page<JobRecord>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    if (filter.teamId !== null) await this.teams.get(filter.teamId);
    const rows = await this.repository.list(this.transactions.manager, filter, after, limit + 1);
    return toPage(rows, limit, (job) => job.jobId);
  }

  /**
   * Merges metadata into a job's, key by key. A job that has ended takes it, too: what came of it may be
   * known later only.
   *
   * @throws DomainError job_not_found, validation_failed if all of it would be too large
   */
  async mergeMetadata(scope: JobScope, metadata: object): Promise<{ metadata: object; updatedAt: Date }> {
    return this.transactions.run(async (manager) => {
      const merged = await this.repository.mergeMetadata(manager, scope, metadata, this.clock.now());
      if (merged === null) throw jobNotFound();
      refuseLargeMetadata(merged.metadata);
      return merged;
    });
  }

  /**
   * Deletes a team that has no open job, see {@link TeamsService.delete}.
   *
   * @throws DomainError team_not_found, team_has_open_jobs
   */
  async deleteTeam(teamId: string): Promise<void> {
    await this.teams.delete(teamId, (manager) => this.repository.hasOpen(manager, teamId));
  }

  /** What the team's own key sees of costs right now. */
  async costVisibilityOf(teamId: string, manager = this.transactions.manager): Promise<CostVisibility> {
    return (await this.teams.get(teamId, manager)).costVisibility;
  }

  /**
   * What the caller may see of the costs of a job that has ended: the admin everything, a team what it saw
   * then, so that an answer repeated is the same.
   */
  async costVisibilityFor(principal: Principal, completion: CompletionSnapshot): Promise<CostVisibility> {
    if (principal.role === 'admin') return 'summary';
    return completion.costVisibility ?? this.costVisibilityOf(principal.teamId);
  }
}

/**
 * Which job a caller means and may see.
 *
 * @throws DomainError job_not_found for a text that cannot be a job id
 */
export function scopeOf(principal: Principal, jobId: string): JobScope {
  if (!isUuid(jobId)) throw jobNotFound();
  return { jobId: jobId.toLowerCase(), teamId: principal.role === 'team' ? principal.teamId : null };
}
