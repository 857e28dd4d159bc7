import { Injectable } from '@nestjs/common';
import type { AnswerSchema } from '../chat/json-schema.js';
import type { Principal } from '../common/access.js';
import { DomainError } from '../common/domain-error.js';
import { toFault } from '../common/fault.js';
import { callInterrupted } from '../common/general.errors.js';
import { decodeCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import { GatewayService } from '../gateway/gateway.service.js';
import type { CallOutcome, ChatAnswer, ChatRequest } from '../gateway/gateway.types.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import type { CallRecord, CallTotals } from '../llm-calls/llm-calls.types.js';
import { type AdmittedCall, CallAdmissionService } from './call-admission.service.js';
import { callFailed, callNotRecorded } from './jobs.errors.js';
import { JobCompletionService } from './job-completion.service.js';
import { type JobScope, JobsRepository } from './jobs.repository.js';

export interface CallInput {
  /** Null for the team's default group. */
  readonly modelGroup: string | null;
  readonly purpose: string | null;
  readonly metadata: object;
  readonly request: ChatRequest;
  /** What the answer has to keep to; null if the client asked for none. */
  readonly schema: AnswerSchema | null;
}

export interface CallAnswer {
  readonly callId: string;
  readonly answer: ChatAnswer;
  readonly modelGroup: string;
  readonly totals: CallTotals;
}

/** The way of one call: admit, try, record, answer. */
@Injectable()
export class JobCallsService {
  constructor(
    private readonly admission: CallAdmissionService,
    private readonly repository: JobsRepository,
    private readonly llmCalls: LlmCallsService,
    private readonly gateway: GatewayService,
    private readonly transactions: Transactions,
    private readonly completion: JobCompletionService,
  ) {}

  /**
   * Makes one call in a job. Its row is committed before anything leaves, and its end before the answer
   * is given. Not idempotent: asked twice, it spends twice.
   *
   * @throws DomainError job_not_found, job_not_open, team_suspended, organization_suspended,
   * model_group_forbidden, model_group_inactive, model_group_not_found, upstream_failed, upstream_timeout, upstream_rejected_request
   */
  async call(principal: Principal, scope: JobScope, input: CallInput): Promise<CallAnswer> {
    // Rolled back, it would leave no trace of what was sent, and repeated, it would be sent again.
    if (this.transactions.isRequest)
      throw new Error('A route that calls a model needs @LeavesForProvider().');
    const startedAt = performance.now();
    const admitted = await this.admission.admit(principal, scope, input).catch((error: unknown) => {
      // Nothing has left, and only a DomainError can say so: after any other error a key is not released.
      throw toFault(error);
    });
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
        recorder: this.llmCalls.createRecorder({ teamId: admitted.teamId, callId: admitted.callId }),
      });
      const totals = await this.record(admitted, outcome, Math.round(performance.now() - startedAt));
      if (outcome.status === 'failed') {
        const hasLeft = outcome.attempts.some((attempt) => attempt.cost.source !== 'not_sent');
        throw callFailed(outcome.failure, hasLeft);
      }
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
    { cursor, limit }: PageRequest,
  ): Promise<Page<CallRecord>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    const rows = await this.llmCalls.listOfJob(job, after, limit + 1);
    return toPage(rows, limit, (call) => call.callId);
  }

  /** No answer leaves before this has been committed. */
  private async record(call: AdmittedCall, outcome: CallOutcome, latencyMs: number): Promise<CallTotals> {
    const totals = this.llmCalls.totalOutcome(outcome, latencyMs);
    await this.transactions.run(async (manager) => {
      await this.repository.lock(manager, call);
      if (!(await this.llmCalls.close(manager, call, outcome, totals, latencyMs))) throw callInterrupted();
      await this.completion.addEndedCall(manager, call, call.group.groupName, totals);
    });
    return totals;
  }
}
