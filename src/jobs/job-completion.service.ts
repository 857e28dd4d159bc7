import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { creditsDue } from '../budgets/budget-rules.js';
import { BudgetsService } from '../budgets/budgets.service.js';
import { Clock } from '../common/clock.js';
import { CreditsService } from '../credits/credits.service.js';
import type { Charge } from '../credits/credits.types.js';
import { Transactions } from '../database/transactions.js';
import type { CallTotals } from '../llm-calls/llm-calls.types.js';
import {
  averageLatencyMs,
  type ChargeDecision,
  decideCompletion,
  decideEnding,
  refuseLargeMetadata,
  takesFromAllowance,
} from './job-rules.js';
import { jobNotOpen } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import { JobsService } from './jobs.service.js';
import type { CompletionSnapshot, CompletionStatus, EndStatus, JobRecord } from './jobs.types.js';

const DAY_MS = 86_400_000;

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
    private readonly budgets: BudgetsService,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends a job, captures or releases its hold and freezes the answer, in one transaction. Idempotent:
   * asked again for the same status, by any number of callers at once, it gives the frozen answer and
   * charges nothing. A job that has expired can still be completed, if new credits can be had for it.
   *
   * @throws DomainError job_not_found, insufficient_credits for one that has expired, job_not_open for
   * another status than the job ended with
   */
  async complete(scope: JobScope, request: Completion): Promise<CompletedJob> {
    return this.transactions.run(async (manager) => {
      const ended = await this.endIn(manager, scope, request);
      if (ended !== null) return ended;
      const end = { ...request, now: this.clock.now() };
      const expired =
        request.status === 'completed' ? await this.repository.completeExpired(manager, scope, end) : null;
      if (expired !== null) {
        return this.freeze(manager, expired, () => this.settleExpired(manager, expired));
      }
      return this.replay(manager, scope, request.status);
    });
  }

  /** Ends an open job in the caller's transaction. @returns null if it has ended already */
  async endIn(manager: EntityManager, scope: JobScope, request: Completion): Promise<CompletedJob | null> {
    const job = await this.repository.end(manager, scope, { ...request, now: this.clock.now() });
    if (job === null) return null;
    return this.freeze(manager, job, () => this.settle(manager, job, request.status));
  }

  /** As {@link endIn}, but a job that somebody else has ended answers with that end. */
  async endOrFind(manager: EntityManager, scope: JobScope, request: Completion): Promise<CompletedJob> {
    const ended = await this.endIn(manager, scope, request);
    if (ended !== null) return ended;
    const job = await this.jobs.get(scope, manager);
    if (job.completion === null) throw new Error('A job that cannot be ended has ended.');
    return { job, completion: job.completion, isReplay: true };
  }

  /**
   * Ends a job that has had no activity for its time to live. Of several replicas one ends it.
   *
   * @returns null if it has had some, if a call of it is running, or if it has ended
   */
  async expire(job: { teamId: string; jobId: string }, now: Date): Promise<CompletedJob | null> {
    return this.transactions.run(async (manager) => {
      const expired = await this.repository.expire(manager, job, now);
      if (expired === null) return null;
      return this.freeze(manager, expired, () => this.settle(manager, expired, 'expired'));
    });
  }

  /**
   * Adds a call that ended to its job, in the caller's transaction, which has locked the job. Where credits
   * buy consumption and the job was charged before, the call is charged now: by what the whole job comes to,
   * so that nothing is rounded up twice.
   */
  async addEndedCall(
    manager: EntityManager,
    call: { teamId: string; jobId: string; callId: string },
    modelGroup: string,
    totals: CallTotals,
  ): Promise<void> {
    const now = this.clock.now();
    const job = await this.repository.addCall(manager, call, modelGroup, totals, now);
    if (job === null) return;
    const due = creditsDue(job, job.creditsHeld, job) - job.creditsCharged - job.creditsShortfall;
    if (due <= 0 || job.budgetMode === 'job_based') return;
    await this.repository.addCharge(
      manager,
      job,
      await this.credits.chargeLate(manager, job, call.callId, due),
    );
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
    status: EndStatus,
  ): Promise<ChargeDecision & Charge> {
    const decision = status === 'completed' ? decideCompletion(job) : await this.decideFairly(manager, job);
    const charge = decision.isCharged
      ? await this.credits.capture(manager, job, creditsDue(job, job.creditsHeld, job))
      : { charged: 0, shortfall: 0, balance: await this.credits.release(manager, job) };
    return { ...decision, ...charge };
  }

  /** Its first hold has ended; what the expiry has charged is not charged again. */
  private async settleExpired(manager: EntityManager, job: JobRecord): Promise<ChargeDecision & Charge> {
    const decision = decideCompletion(job);
    if (job.creditApplied || !decision.isCharged) {
      return {
        rule: decision.rule,
        isCharged: job.creditApplied,
        charged: job.creditsCharged,
        shortfall: job.creditsShortfall,
        balance: await this.credits.readBalance(manager, job.teamId),
      };
    }
    await this.credits.hold(manager, job, job.creditsHeld);
    return {
      ...decision,
      ...(await this.credits.capture(manager, job, creditsDue(job, job.creditsHeld, job))),
    };
  }

  private async decideFairly(manager: EntityManager, job: JobRecord): Promise<ChargeDecision> {
    const terms = await this.budgets.termsFor(manager, job.teamId, job.jobType);
    if (terms.fairOutcome !== 'allowance' || !takesFromAllowance(job)) return decideEnding(job, terms, 0);
    // Under the account's lock, or of two jobs that end at once both could take the last free ending.
    await this.credits.lockAccount(manager, job.teamId);
    const endedAt = job.completedAt ?? this.clock.now();
    const since = new Date(endedAt.getTime() - terms.freeEndingsWindowDays * DAY_MS);
    return decideEnding(job, terms, await this.repository.countFreeEndings(manager, job, since));
  }

  /** Settles a job that has ended, and keeps what its end answers as long as the job is kept. */
  private async freeze(
    manager: EntityManager,
    job: JobRecord,
    settle: () => Promise<ChargeDecision & Charge>,
  ): Promise<CompletedJob> {
    refuseLargeMetadata(job.metadata);
    // What can be read before the account is locked is: every other job of the team waits for that lock.
    const costVisibility = await this.jobs.costVisibilityOf(job.teamId, manager);
    const outcome = await settle();
    const completion: CompletionSnapshot = {
      totalCalls: job.totalCalls,
      successfulCalls: job.successfulCalls,
      failedCalls: job.failedCalls,
      totalTokens: job.totalTokens,
      totalCostUsd: job.totalCostUsd,
      unpricedCalls: job.unpricedCalls,
      schemaMissedCalls: job.schemaMissedCalls,
      avgLatencyMs: averageLatencyMs(job),
      creditApplied: outcome.charged > 0,
      creditsCharged: outcome.charged,
      creditsShortfall: outcome.shortfall,
      creditsRemaining: outcome.balance.remaining,
      chargeRule: outcome.rule,
      costVisibility,
    };
    await this.repository.freezeCompletion(manager, job, completion);
    return { job, completion, isReplay: false };
  }
}
