import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { CreditsService } from '../credits/credits.service.js';
import { Transactions } from '../database/transactions.js';
import { averageLatencyMs, isCharged, refuseLargeMetadata } from './job-rules.js';
import { jobNotOpen } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import { JobsService } from './jobs.service.js';
import type { CompletionSnapshot, CompletionStatus, JobRecord } from './jobs.types.js';

export interface Completion {
  readonly status: CompletionStatus;
  readonly errorMessage: string | null;
  /** Merged into the job's, key by key. */
  readonly metadata: object;
}

/** A job that has ended, with the answer that was frozen then. */
export interface CompletedJob {
  readonly job: JobRecord;
  readonly completion: CompletionSnapshot;
  /** Whether an earlier request had ended the job. */
  readonly isReplay: boolean;
}

/** Ends jobs: the one place where credits are charged. */
@Injectable()
export class JobCompletionService {
  constructor(
    private readonly repository: JobsRepository,
    private readonly jobs: JobsService,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends a job, captures or releases its hold and freezes the answer, in one transaction. Idempotent:
   * asked again for the same status, by any number of callers at once, it gives the frozen answer and
   * charges nothing.
   *
   * @throws DomainError job_not_found, job_not_open for another status than the job ended with
   */
  async complete(scope: JobScope, request: Completion): Promise<CompletedJob> {
    return this.transactions.run(async (manager) => {
      const job = await this.repository.end(manager, scope, { ...request, now: this.clock.now() });
      if (job === null) return this.replay(manager, scope, request.status);
      refuseLargeMetadata(job.metadata);
      const completion = await this.settle(manager, job, request.status);
      await this.repository.freezeCompletion(manager, job, completion);
      return { job, completion, isReplay: false };
    });
  }

  private async replay(
    manager: EntityManager,
    scope: JobScope,
    status: CompletionStatus,
  ): Promise<CompletedJob> {
    const job = await this.jobs.get(scope, manager);
    if (job.status !== status || job.completion === null) throw jobNotOpen(job.status);
    return { job, completion: job.completion, isReplay: true };
  }

  private async settle(
    manager: EntityManager,
    job: JobRecord,
    status: CompletionStatus,
  ): Promise<CompletionSnapshot> {
    const { charged, balance } = isCharged(status, job)
      ? await this.credits.capture(manager, job)
      : { charged: 0, balance: await this.credits.release(manager, job) };
    return {
      totalCalls: job.totalCalls,
      successfulCalls: job.successfulCalls,
      failedCalls: job.failedCalls,
      totalTokens: job.totalTokens,
      totalCostUsd: job.totalCostUsd,
      unpricedCalls: job.unpricedCalls,
      avgLatencyMs: averageLatencyMs(job),
      creditApplied: charged > 0,
      creditsCharged: charged,
      creditsRemaining: balance.remaining,
      costVisibility: await this.jobs.costVisibilityOf(job.teamId, manager),
    };
  }
}
