import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { callInterrupted } from '../common/general.errors.js';
import { isUuid, newId } from '../common/identifiers.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import type { AttemptRecorder, EndedAttempt } from '../gateway/gateway.types.js';
import { CallLeases } from './call-leases.js';
import { type AttemptTotals, totalCall } from './call-totals.js';
import {
  type CallEnd,
  type CallMessages,
  type CallName,
  type CallRecord,
  type CallTotals,
  type Messages,
  type NewCall,
  type OpenedCall,
  type OverdueCall,
  SUCCESSFUL_STATUSES,
} from './llm-calls.types.js';
import { messagesNotFound } from './llm-calls.errors.js';
import { LlmCallsRepository } from './llm-calls.repository.js';
import { StoredMessagesService } from './stored-messages.service.js';

/** Between the deadline of a call and the moment its process must have recorded it. */
const RECORDING_MARGIN_MS = 10_000;

/** Records calls and their attempts, and adds up what they used. */
@Injectable()
export class LlmCallsService {
  /** Calls that this process is making; the sweep leaves them to it. */
  private readonly active = new Set<string>();

  constructor(
    private readonly repository: LlmCallsRepository,
    private readonly leases: CallLeases,
    private readonly messages: StoredMessagesService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Records a call and its first attempt in the transaction that admits it, before anything leaves. */
  async open(manager: EntityManager, call: NewCall): Promise<OpenedCall> {
    const callId = newId();
    const firstAttemptId = newId();
    const now = this.clock.now();
    await this.repository.insertCall(manager, {
      ...call,
      callId,
      processId: this.leases.processId,
      deadlineMs: this.longestMs(call) + RECORDING_MARGIN_MS,
      createdAt: now,
    });
    await this.repository.insertAttempt(manager, {
      attemptId: firstAttemptId,
      number: 1,
      modelName: call.modelName,
      teamId: call.teamId,
      callId,
      startedAt: now,
    });
    return { callId, firstAttemptId };
  }

  private longestMs({ isStream }: NewCall): number {
    const { callTimeoutMs, streamMaxDurationMs } = this.settings;
    return isStream ? callTimeoutMs + streamMaxDurationMs : callTimeoutMs;
  }

  /** The part of a call that happens outside the database begins: the sweep leaves it to this process. */
  begin(callId: string): void {
    this.active.add(callId);
  }

  /** It has ended, and been recorded if that could be done. */
  finish(callId: string): void {
    this.active.delete(callId);
  }

  /**
   * Records the further attempts of a call, each committed before it leaves. None leaves for a call that
   * a sweep has ended meanwhile: `call_interrupted` is thrown instead.
   */
  createRecorder(call: { teamId: string; callId: string }): AttemptRecorder {
    return {
      attemptFollows: async (ended, next) => {
        await this.transactions.run(async (manager) => {
          if (!(await this.repository.lockInFlight(manager, call))) throw callInterrupted();
          const now = this.clock.now();
          await this.repository.endAttempt(manager, call.teamId, ended, now);
          await this.repository.insertAttempt(manager, { ...next, ...call, startedAt: now });
        });
      },
    };
  }

  /** What the call adds to its job. */
  totalOf(end: CallEnd): CallTotals {
    return totalCall(end.attempts.map(toAttemptTotals), {
      isSuccessful: SUCCESSFUL_STATUSES.includes(end.status),
      isSchemaMissed: end.schemaOutcome === 'missed',
      latencyMs: end.latencyMs,
    });
  }

  /**
   * Ends a call in the caller's transaction. The caller has locked its job.
   *
   * @returns false if a sweep has ended it already: then the transaction must not go on
   */
  async close(
    manager: EntityManager,
    call: { teamId: string; callId: string },
    end: CallEnd,
    totals: CallTotals,
  ): Promise<boolean> {
    if (!(await this.repository.lockInFlight(manager, call))) return false;
    const endedAt = this.clock.now();
    const last = end.attempts.at(-1);
    const { status, failure, schemaOutcome, latencyMs } = end;
    const firstByteMs = last?.firstByteMs ?? null;
    await this.repository.endCall(manager, call, {
      status,
      failure,
      schemaOutcome,
      totals,
      firstByteMs,
      latencyMs,
      endedAt,
    });
    if (last !== undefined) await this.repository.endAttempt(manager, call.teamId, last, endedAt);
    return true;
  }

  /** Whether this process makes any call right now; for shutting down. */
  get isBusy(): boolean {
    return this.active.size > 0;
  }

  /** Calls that no living process will end, oldest deadline first. */
  async listOverdue(limit: number): Promise<OverdueCall[]> {
    return this.repository.listOverdue(
      this.transactions.manager,
      this.leases.processId,
      [...this.active],
      limit,
    );
  }

  /**
   * Marks an overdue call interrupted, in the caller's transaction, which has locked its job.
   *
   * @returns what it adds to its job, or null if it has been ended meanwhile
   */
  async interrupt(manager: EntityManager, call: OverdueCall): Promise<CallTotals | null> {
    if (!(await this.repository.lockInFlight(manager, call))) return null;
    const endedAt = this.clock.now();
    await this.repository.interruptAttempts(manager, call, endedAt);
    const totals = totalCall(await this.repository.listAttemptTotals(manager, call), {
      isSuccessful: false,
      isSchemaMissed: false,
      latencyMs: 0,
    });
    await this.repository.endCall(manager, call, {
      status: 'interrupted',
      failure: null,
      schemaOutcome: null,
      totals,
      firstByteMs: null,
      latencyMs: null,
      endedAt,
    });
    return totals;
  }

  /**
   * Keeps what a call asked and what it was answered, in the transaction that records the call: encrypted, until
   * `MESSAGES_TTL_MS` have passed. Does nothing without `STORE_MESSAGES`; of what is larger than
   * `MESSAGES_MAX_BYTES` it only notes that it was. To be called once per call.
   */
  async storeMessages(manager: EntityManager, call: CallName, messages: Messages): Promise<void> {
    await this.messages.store(manager, call, messages);
  }

  /** Whether {@link storeMessages} keeps anything: who has to put an answer together first may spare himself that. */
  get storesMessages(): boolean {
    return this.settings.mayStoreMessages;
  }

  /** @param callId as the caller wrote it @throws DomainError messages_not_found */
  async getMessages(job: { teamId: string; jobId: string }, callId: string): Promise<CallMessages> {
    if (!isUuid(callId)) throw messagesNotFound();
    const { teamId, jobId } = job;
    return this.messages.get({ teamId, jobId, callId: callId.toLowerCase() });
  }

  async forgetDeadProcesses(): Promise<void> {
    await this.repository.deleteDeadLeases(this.transactions.manager);
  }

  /** The calls of a job with their attempts, oldest first. @param after id before the page, or null */
  async listOfJob(
    job: { teamId: string; jobId: string },
    after: string | null,
    limit: number,
  ): Promise<CallRecord[]> {
    return this.repository.listOfJob(this.transactions.manager, job, after, limit);
  }
}

function toAttemptTotals(attempt: EndedAttempt): AttemptTotals {
  return {
    promptTokens: attempt.usage?.promptTokens ?? 0,
    completionTokens: attempt.usage?.completionTokens ?? 0,
    totalTokens: attempt.usage?.totalTokens ?? 0,
    isEstimated: attempt.usage?.isEstimated ?? false,
    costUsd: attempt.cost.costUsd,
  };
}
