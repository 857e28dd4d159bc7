import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { otherTeam } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { invalidField } from '../common/domain-error.js';
import { isUuid, newId } from '../common/identifiers.js';
import { decodeCursor, type Page, toPage } from '../common/pagination.js';
import { CreditsService } from '../credits/credits.service.js';
import { Transactions } from '../database/transactions.js';
import { TeamsService } from '../teams/teams.service.js';
import type { CostVisibility } from '../teams/teams.types.js';
import { CREDITS_PER_JOB } from './job-rules.js';
import { jobNotFound } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import type { JobFilter, JobRecord } from './jobs.types.js';

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
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a job and holds its credits, in one transaction.
   *
   * @throws DomainError insufficient_credits, team_suspended, team_not_found, other_team
   */
  async create(principal: Principal, input: NewJob): Promise<JobRecord> {
    const teamId = teamOf(principal, input.teamId);
    const now = this.clock.now();
    const job: JobRecord = {
      jobId: newId(),
      teamId,
      jobType: input.jobType,
      userId: input.userId,
      status: 'pending',
      metadata: input.metadata,
      errorMessage: null,
      creditsHeld: CREDITS_PER_JOB,
      creditApplied: false,
      creditsCharged: 0,
      totalCalls: 0,
      successfulCalls: 0,
      failedCalls: 0,
      runningCalls: 0,
      unpricedCalls: 0,
      totalTokens: 0,
      totalCostUsd: '0',
      totalLatencyMs: 0,
      completion: null,
      createdAt: now,
      startedAt: null,
      completedAt: null,
      updatedAt: now,
    };
    await this.transactions.run(async (manager) => {
      await this.teams.getActive(manager, teamId);
      await this.repository.insert(manager, job);
      await this.credits.hold(manager, job, job.creditsHeld);
    });
    return job;
  }

  /** @throws DomainError job_not_found, also for another team's job */
  async get(scope: JobScope, manager: EntityManager = this.transactions.manager): Promise<JobRecord> {
    const job = await this.repository.find(manager, scope);
    if (job === null) throw jobNotFound();
    return job;
  }

  /** Jobs of a team, newest first. @throws DomainError team_not_found, validation_failed */
  async list(
    teamId: string,
    filter: JobFilter,
    page: { cursor: string | null; limit: number },
  ): Promise<Page<JobRecord>> {
    const after = page.cursor === null ? null : decodeCursor(page.cursor);
    await this.teams.get(teamId);
    const rows = await this.repository.list(this.transactions.manager, teamId, filter, after, page.limit + 1);
    return toPage(rows, page.limit, (job) => job.jobId);
  }

  /** What the caller may see of a job's costs: the admin everything, a team as its setting says. */
  async costVisibilityFor(principal: Principal): Promise<CostVisibility> {
    if (principal.role === 'admin') return 'summary';
    return (await this.teams.get(principal.teamId)).costVisibility;
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

function teamOf(principal: Principal, named: string | null): string {
  if (principal.role === 'team') {
    if (named !== null && named !== principal.teamId) throw otherTeam();
    return principal.teamId;
  }
  if (named === null) throw invalidField('team_id', 'required', 'is required with the admin key');
  return named;
}
