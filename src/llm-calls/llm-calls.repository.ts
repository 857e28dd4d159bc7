import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { queryRows } from '../database/rows.js';
import type { EndedAttempt, StartedAttempt } from '../gateway/gateway.types.js';
import type { AttemptTotals } from './call-totals.js';
import { LlmAttempt } from './entities/llm-attempt.entity.js';
import { LlmCall } from './entities/llm-call.entity.js';
import type {
  CallRecord,
  CallTotals,
  EndedCallStatus,
  NewCall,
  OverdueCall,
  RecordedFailure,
  SchemaOutcome,
} from './llm-calls.types.js';

const MAX_COST_TEXT_LENGTH = 128;

@Injectable()
export class LlmCallsRepository {
  /** @param deadlineMs from now, by the database's clock */
  async insertCall(
    manager: EntityManager,
    call: NewCall & { callId: string; processId: string; deadlineMs: number; createdAt: Date },
  ): Promise<void> {
    await queryRows(
      manager,
      `INSERT INTO llm_calls (call_id, team_id, job_id, model_group, purpose, metadata, status, process_id,
                              deadline_at, prompt_tokens, completion_tokens, total_tokens, cost_usd, is_unpriced,
                              is_estimated, created_at, kind, is_stream)
       VALUES ($1, $2, $3, $4, $5, $6, 'in_flight', $7, clock_timestamp() + $8 * interval '1 millisecond',
               0, 0, 0, 0, false, false, $9, $10, $11)`,
      [
        call.callId,
        call.teamId,
        call.jobId,
        call.modelGroup,
        call.purpose,
        JSON.stringify(call.metadata),
        call.processId,
        call.deadlineMs,
        call.createdAt,
        call.kind,
        call.isStream,
      ],
    );
  }

  async insertAttempt(
    manager: EntityManager,
    attempt: StartedAttempt & { teamId: string; callId: string; startedAt: Date },
  ): Promise<void> {
    await manager.getRepository(LlmAttempt).insert({ ...attempt, status: 'in_flight' });
  }

  /**
   * Locks a call that has not ended, before its attempts are touched.
   *
   * @returns false if somebody has ended it
   */
  async lockInFlight(manager: EntityManager, call: { teamId: string; callId: string }): Promise<boolean> {
    const rows = await queryRows(
      manager,
      `SELECT 1 FROM llm_calls WHERE call_id = $1 AND team_id = $2 AND status = 'in_flight' FOR UPDATE`,
      [call.callId, call.teamId],
    );
    return rows.length === 1;
  }

  async endAttempt(
    manager: EntityManager,
    teamId: string,
    attempt: EndedAttempt,
    endedAt: Date,
  ): Promise<void> {
    await manager.getRepository(LlmAttempt).update(
      { attemptId: attempt.attemptId, teamId, status: 'in_flight' },
      {
        status: attempt.status,
        failure: attempt.failure,
        upstreamStatus: attempt.upstreamStatus,
        upstreamError: storable(attempt.upstreamError),
        promptTokens: attempt.usage?.promptTokens ?? null,
        completionTokens: attempt.usage?.completionTokens ?? null,
        totalTokens: attempt.usage?.totalTokens ?? null,
        ...attempt.usage?.buckets,
        isEstimated: attempt.usage?.isEstimated ?? null,
        costUsd: attempt.cost.costUsd,
        costSource: attempt.cost.source,
        costText: storable(attempt.cost.text)?.slice(0, MAX_COST_TEXT_LENGTH) ?? null,
        firstByteMs: attempt.firstByteMs,
        latencyMs: attempt.latencyMs,
        endedAt,
      },
    );
  }

  /** Ends a call that the caller has locked in flight. */
  async endCall(
    manager: EntityManager,
    call: { teamId: string; callId: string },
    end: {
      status: EndedCallStatus;
      failure: RecordedFailure | null;
      schemaOutcome: SchemaOutcome | null;
      totals: CallTotals;
      firstByteMs: number | null;
      latencyMs: number | null;
      endedAt: Date;
    },
  ): Promise<void> {
    await manager.getRepository(LlmCall).update(
      { callId: call.callId, teamId: call.teamId, status: 'in_flight' },
      {
        status: end.status,
        failure: end.failure,
        schemaOutcome: end.schemaOutcome,
        promptTokens: end.totals.promptTokens,
        completionTokens: end.totals.completionTokens,
        totalTokens: end.totals.totalTokens,
        costUsd: end.totals.costUsd,
        isUnpriced: end.totals.isUnpriced,
        isEstimated: end.totals.isEstimated,
        firstByteMs: end.firstByteMs,
        latencyMs: end.latencyMs,
        endedAt: end.endedAt,
      },
    );
  }

  /** Marks what a dead process left in flight; what it cost is unknown. */
  async interruptAttempts(
    manager: EntityManager,
    call: { teamId: string; callId: string },
    endedAt: Date,
  ): Promise<void> {
    await manager
      .getRepository(LlmAttempt)
      .update(
        { callId: call.callId, teamId: call.teamId, status: 'in_flight' },
        { status: 'interrupted', costSource: 'unpriced', endedAt },
      );
  }

  async listAttemptTotals(
    manager: EntityManager,
    call: { teamId: string; callId: string },
  ): Promise<AttemptTotals[]> {
    const attempts = await manager
      .getRepository(LlmAttempt)
      .findBy({ teamId: call.teamId, callId: call.callId });
    return attempts.map((attempt) => ({
      promptTokens: attempt.promptTokens ?? 0,
      completionTokens: attempt.completionTokens ?? 0,
      totalTokens: attempt.totalTokens ?? 0,
      isEstimated: attempt.isEstimated ?? false,
      costUsd: attempt.costUsd,
    }));
  }

  /**
   * Calls in flight past their deadline that nobody works on: their process has let its lease run out,
   * or it is this one and the call is not among those it still knows.
   */
  async listOverdue(
    manager: EntityManager,
    processId: string,
    activeCallIds: readonly string[],
    limit: number,
  ): Promise<OverdueCall[]> {
    const rows = await queryRows<{ call_id: string; team_id: string; job_id: string; model_group: string }>(
      manager,
      `SELECT call_id, team_id, job_id, model_group FROM llm_calls
        WHERE status = 'in_flight' AND deadline_at < clock_timestamp()
          AND CASE WHEN process_id = $1 THEN call_id <> ALL($2::uuid[])
                   ELSE NOT EXISTS (SELECT FROM llm_call_leases
                                     WHERE llm_call_leases.process_id = llm_calls.process_id
                                       AND expires_at > clock_timestamp()) END
        ORDER BY deadline_at LIMIT $3`,
      [processId, activeCallIds, limit],
    );
    return rows.map((row) => ({
      callId: row.call_id,
      teamId: row.team_id,
      jobId: row.job_id,
      modelGroup: row.model_group,
    }));
  }

  /** Oldest first. @param after the id after which the page begins, or null */
  async listOfJob(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    after: string | null,
    limit: number,
  ): Promise<CallRecord[]> {
    const calls = await manager
      .getRepository(LlmCall)
      .createQueryBuilder('call')
      .where('call.teamId = :teamId AND call.jobId = :jobId', { ...job })
      .andWhere(after === null ? 'true' : 'call.callId > :after', { after })
      .orderBy('call.callId', 'ASC')
      .limit(limit)
      .getMany();
    const attempts = await manager.getRepository(LlmAttempt).find({
      where: { teamId: job.teamId, callId: In(calls.map((call) => call.callId)) },
      order: { number: 'ASC' },
    });
    const attemptsOfCall = Map.groupBy(attempts, (attempt) => attempt.callId);
    return calls.map((call) => ({ ...call, attempts: attemptsOfCall.get(call.callId) ?? [] }));
  }

  async renewLease(manager: EntityManager, processId: string, leaseMs: number): Promise<void> {
    await queryRows(
      manager,
      `INSERT INTO llm_call_leases (process_id, expires_at)
       VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
       ON CONFLICT (process_id) DO UPDATE SET expires_at = EXCLUDED.expires_at`,
      [processId, leaseMs],
    );
  }

  async deleteLease(manager: EntityManager, processId: string): Promise<void> {
    await queryRows(manager, `DELETE FROM llm_call_leases WHERE process_id = $1`, [processId]);
  }

  /** Forgets leases that no call in flight needs any more. */
  async deleteDeadLeases(manager: EntityManager): Promise<void> {
    await queryRows(
      manager,
      `DELETE FROM llm_call_leases
        WHERE expires_at < clock_timestamp() - interval '1 hour'
          AND NOT EXISTS (SELECT FROM llm_calls
                           WHERE llm_calls.process_id = llm_call_leases.process_id AND status = 'in_flight')`,
    );
  }
}

/** Words that are not ours: Postgres takes no NUL in text, and a call must not stay off the books for one. */
function storable(text: string | null): string | null {
  return text?.replaceAll('\0', '') ?? null;
}
