import { Injectable } from '@nestjs/common';
import { unauthenticated } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { decodeCursor, type Page, toPage } from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import { GatewayService } from '../gateway/gateway.service.js';
import type { CallOutcome, ChatAnswer, ChatRequest, Correlation } from '../gateway/gateway.types.js';
import { KeysService } from '../keys/keys.service.js';
import { callInterrupted } from '../llm-calls/llm-calls.errors.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { CallRecord, CallTotals, OpenedCall } from '../llm-calls/llm-calls.types.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import type { ResolvedModelGroup } from '../model-groups/model-groups.types.js';
import { TeamsService } from '../teams/teams.service.js';
import { callFailed, callNotRecorded, jobNotOpen } from './jobs.errors.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';
import { JobsService } from './jobs.service.js';

export interface CallInput {
  /** Null for the team's default group. */
  readonly modelGroup: string | null;
  readonly purpose: string | null;
  readonly request: ChatRequest;
}

export interface CallAnswer {
  readonly callId: string;
  readonly answer: ChatAnswer;
  readonly modelGroup: string;
  readonly totals: CallTotals;
}

interface AdmittedCall extends OpenedCall {
  readonly teamId: string;
  readonly jobId: string;
  readonly group: ResolvedModelGroup;
  readonly correlation: Correlation;
}

/** The way of one call: admit, try, record, answer. */
@Injectable()
export class JobCallsService {
  constructor(
    private readonly repository: JobsRepository,
    private readonly jobs: JobsService,
    private readonly teams: TeamsService,
    private readonly keys: KeysService,
    private readonly modelGroups: ModelGroupsService,
    private readonly llmCalls: LlmCallsService,
    private readonly gateway: GatewayService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes one call in a job. Its row is committed before anything leaves, and its end before the answer
   * is given. Not idempotent: asked twice, it spends twice.
   *
   * @throws DomainError job_not_found, job_not_open, team_suspended, model_group_forbidden,
   * model_group_not_found, upstream_failed, upstream_timeout, upstream_rejected_request
   */
  async call(principal: Principal, scope: JobScope, input: CallInput): Promise<CallAnswer> {
    const startedAt = performance.now();
    const admitted = await this.admit(principal, scope, input);
    try {
      return await this.make(admitted, input.request, startedAt);
    } catch (error) {
      throw error instanceof DomainError ? error : callNotRecorded(error);
    }
  }

  private async make(admitted: AdmittedCall, request: ChatRequest, startedAt: number): Promise<CallAnswer> {
    return this.llmCalls.whileActive(admitted.callId, async () => {
      const outcome = await this.gateway.complete({
        request,
        modelNames: admitted.group.modelNames,
        firstAttemptId: admitted.firstAttemptId,
        correlation: admitted.correlation,
        recorder: this.llmCalls.recorderOf({ teamId: admitted.teamId, callId: admitted.callId }),
      });
      const totals = await this.record(admitted, outcome, Math.round(performance.now() - startedAt));
      if (outcome.status === 'failed') throw callFailed(outcome.failure, outcome.attempts);
      return {
        callId: admitted.callId,
        answer: outcome.answer,
        modelGroup: admitted.group.groupName,
        totals,
      };
    });
  }

  /** The calls of a job with their attempts, oldest first. @throws DomainError validation_failed */
  async list(
    job: { teamId: string; jobId: string },
    cursor: string | null,
    limit: number,
  ): Promise<Page<CallRecord>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    const rows = await this.llmCalls.listOfJob(job, after, limit + 1);
    return toPage(rows, limit, (call) => call.callId);
  }

  /**
   * One short transaction. The job's row is locked first, so no call can start after the job has ended;
   * team and key are read in it, so a suspension or a revocation stops the next call on every replica.
   */
  private async admit(principal: Principal, scope: JobScope, input: CallInput): Promise<AdmittedCall> {
    return this.transactions.run(async (manager) => {
      const job = await this.repository.admitCall(manager, scope, this.clock.now());
      if (job === null) throw jobNotOpen((await this.jobs.get(scope, manager)).status);
      const team = await this.teams.getActive(manager, job.teamId);
      if (principal.role === 'team' && !(await this.keys.isUsable(manager, principal.keyId))) {
        throw unauthenticated();
      }
      const group = await this.modelGroups.resolveForTeam(
        manager,
        team.teamId,
        input.modelGroup,
        principal.role === 'admin',
      );
      const { jobId } = scope;
      const call = await this.llmCalls.open(manager, {
        teamId: team.teamId,
        jobId,
        modelGroup: group.groupName,
        modelName: group.modelNames[0] ?? '',
        purpose: input.purpose,
      });
      return {
        ...call,
        teamId: team.teamId,
        jobId,
        group,
        correlation: {
          traceId: jobId,
          endUserId: team.teamId,
          tags: [`org:${team.organizationId}`, `team:${team.teamId}`, `job_type:${job.jobType}`],
          metadata: { call_id: call.callId, job_id: jobId, team_id: team.teamId },
        },
      };
    });
  }

  /** No answer leaves before this has been committed. */
  private async record(call: AdmittedCall, outcome: CallOutcome, latencyMs: number): Promise<CallTotals> {
    const totals = this.llmCalls.totalsOf(outcome, latencyMs);
    await this.transactions.run(async (manager) => {
      await this.repository.lock(manager, call);
      if (!(await this.llmCalls.close(manager, call, outcome, totals, latencyMs))) throw callInterrupted();
      await this.repository.addCall(manager, call, totals, this.clock.now());
    });
    return totals;
  }
}
