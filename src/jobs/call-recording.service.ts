import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { callInterrupted } from '../common/general.errors.js';
import { Transactions } from '../database/transactions.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import {
  type CallEnd,
  type CallTotals,
  type EndedCallStatus,
  type Messages,
  type OverdueCall,
  SUCCESSFUL_STATUSES,
} from '../llm-calls/llm-calls.types.js';
import { type CompletedJob, JobCompletionService } from './job-completion.service.js';
import { JobsRepository } from './jobs.repository.js';

interface CallOfJob {
  readonly teamId: string;
  readonly jobId: string;
  readonly callId: string;
  readonly modelGroup: string;
}

export interface RecordedCall {
  readonly totals: CallTotals;
  /** The end of its job, where that was made for the call. */
  readonly completion: CompletedJob | null;
}

/** Writes down how calls ended, and ends the jobs that were made for one. */
@Injectable()
export class CallRecordingService {
  constructor(
    private readonly repository: JobsRepository,
    private readonly llmCalls: LlmCallsService,
    private readonly completion: JobCompletionService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Records the end of a call in one transaction. Nothing that says that a call has succeeded goes out before.
   *
   * @throws DomainError call_interrupted if a sweep has ended it meanwhile
   */
  async record(call: CallOfJob, end: CallEnd, messages: Messages): Promise<RecordedCall> {
    const totals = this.llmCalls.totalOf(end);
    return this.transactions.run(async (manager) => {
      const { endsWithCall } = await this.repository.lock(manager, call);
      if (!(await this.llmCalls.close(manager, call, end, totals))) throw callInterrupted();
      await this.llmCalls.storeMessages(manager, call, messages);
      const completion = await this.addToJob(manager, call, totals, endsWithCall ? end.status : null);
      return { totals, completion };
    });
  }

  /**
   * Marks an overdue call interrupted.
   *
   * @returns whether it was this process that ended it
   */
  async interrupt(call: OverdueCall): Promise<boolean> {
    return this.transactions.run(async (manager) => {
      const { endsWithCall } = await this.repository.lock(manager, call);
      const totals = await this.llmCalls.interrupt(manager, call);
      if (totals === null) return false;
      await this.addToJob(manager, call, totals, endsWithCall ? 'interrupted' : null);
      return true;
    });
  }

  /** @param endingWith how the call ended, if its job ends with it */
  private async addToJob(
    manager: EntityManager,
    call: CallOfJob,
    totals: CallTotals,
    endingWith: EndedCallStatus | null,
  ): Promise<CompletedJob | null> {
    await this.completion.addEndedCall(manager, call, call.modelGroup, totals);
    if (endingWith === null) return null;
    const isSuccessful = SUCCESSFUL_STATUSES.includes(endingWith);
    return this.completion.endOrFind(manager, call, {
      status: isSuccessful ? 'completed' : 'failed',
      errorMessage: isSuccessful ? null : ERROR_MESSAGE,
      metadata: {},
    });
  }
}

const ERROR_MESSAGE = 'The one call of the job did not succeed.';
