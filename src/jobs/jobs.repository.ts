import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { quoted, toSafeInteger } from '../database/columns.js';
import { queryRows } from '../database/rows.js';
import type { CallTotals } from '../llm-calls/llm-calls.types.js';
import { Job } from './entities/job.entity.js';
import { OPEN_STATUSES } from './job-rules.js';
import type { CompletionSnapshot, EndStatus, JobFilter, JobRecord } from './jobs.types.js';

/** A job as its caller may see it: a team only its own, the admin (`teamId` null) any. */
export interface JobScope {
  readonly jobId: string;
  readonly teamId: string | null;
}

const IN_SCOPE = 'job_id = $1 AND ($2::varchar IS NULL OR team_id = $2)';
const IS_OPEN = `status IN (${quoted(OPEN_STATUSES)})`;

/** The last activity of an open job, and its time to live. */
const LAST_DEADLINE = `updated_at + time_to_live_ms * interval '1 millisecond'`;

/** What a call needs to know of the job that it is made in. */
export type CallingJob = Pick<JobRecord, 'teamId' | 'jobType' | 'creditsHeld' | 'mayRetryAmbiguous'>;

export interface JobEnd {
  readonly status: EndStatus;
  readonly errorMessage: string | null;
  /** Merged into the job's, key by key. */
  readonly metadata: object;
  readonly now: Date;
}

@Injectable()
export class JobsRepository {
  async insert(manager: EntityManager, job: JobRecord): Promise<void> {
    await manager.getRepository(Job).insert({ ...job, modelGroupsUsed: [...job.modelGroupsUsed] });
  }

  async find(manager: EntityManager, scope: JobScope): Promise<JobRecord | null> {
    return manager.getRepository(Job).findOneBy({
      jobId: scope.jobId,
      ...(scope.teamId === null ? {} : { teamId: scope.teamId }),
    });
  }

  /**
   * Admits a call to an open job and locks the job for the rest of the transaction.
   *
   * @returns what of the job matters to the call, or null if there is no such job or it has ended
   */
  async admitCall(manager: EntityManager, scope: JobScope, now: Date): Promise<CallingJob | null> {
    const rows = await queryRows<{
      team_id: string;
      job_type: string;
      credits_held: string;
      may_retry_ambiguous: boolean;
    }>(
      manager,
      `UPDATE jobs
          SET total_calls = total_calls + 1, running_calls = running_calls + 1,
              status = 'in_progress', started_at = COALESCE(started_at, $3), updated_at = $3
        -- One that was made for a call takes no other.
        WHERE ${IN_SCOPE} AND ${IS_OPEN} AND NOT (ends_with_call AND total_calls > 0)
        RETURNING team_id, job_type, credits_held, may_retry_ambiguous`,
      [scope.jobId, scope.teamId, now],
    );
    const row = rows[0];
    if (row === undefined) return null;
    return {
      teamId: row.team_id,
      jobType: row.job_type,
      creditsHeld: toSafeInteger(row.credits_held),
      mayRetryAmbiguous: row.may_retry_ambiguous,
    };
  }

  /** Locks a job before its calls are touched, which is the order every transaction keeps. */
  async lock(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
  ): Promise<{ endsWithCall: boolean }> {
    const rows = await queryRows<{ ends_with_call: boolean }>(
      manager,
      `SELECT ends_with_call FROM jobs WHERE job_id = $1 AND team_id = $2 FOR UPDATE`,
      [job.jobId, job.teamId],
    );
    return { endsWithCall: rows[0]?.ends_with_call === true };
  }

  /**
   * Adds a call that ended to the totals, whether the job is still open or not; locks the job.
   *
   * @returns the job after it, if it had ended and was charged: the call may cost more
   */
  async addCall(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    modelGroup: string,
    totals: CallTotals,
    now: Date,
  ): Promise<JobRecord | null> {
    const rows = await queryRows<{ was_charged: boolean }>(
      manager,
      `UPDATE jobs
          SET running_calls = running_calls - 1,
              successful_calls = successful_calls + $3::int, failed_calls = failed_calls + 1 - $3::int,
              unpriced_calls = unpriced_calls + $4::int,
              schema_missed_calls = schema_missed_calls + $10::int,
              total_tokens = total_tokens + $5, total_cost_usd = total_cost_usd + $6,
              total_latency_ms = total_latency_ms + $7, updated_at = $8,
              model_groups_used = CASE WHEN $9 = ANY (model_groups_used) THEN model_groups_used
                                       ELSE array_append(model_groups_used, $9::varchar) END
        WHERE job_id = $1 AND team_id = $2
        RETURNING completed_at IS NOT NULL AND credit_applied AS was_charged`,
      [
        job.jobId,
        job.teamId,
        totals.isSuccessful ? 1 : 0,
        totals.isUnpriced ? 1 : 0,
        totals.totalTokens,
        totals.costUsd,
        totals.latencyMs,
        now,
        modelGroup,
        totals.isSchemaMissed ? 1 : 0,
      ],
    );
    return rows[0]?.was_charged === true ? this.find(manager, job) : null;
  }

  /** What calls that ended after their job have cost more. */
  async addCharge(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    charge: { charged: number; shortfall: number },
  ): Promise<void> {
    await queryRows(
      manager,
      `UPDATE jobs SET credits_charged = credits_charged + $3, credits_shortfall = credits_shortfall + $4
        WHERE job_id = $1 AND team_id = $2`,
      [job.jobId, job.teamId, charge.charged, charge.shortfall],
    );
  }

  /**
   * The one way from an open state into a terminal one. Of any number of callers one gets the job, locked; the others
   * wait for it and then get null.
   */
  async end(manager: EntityManager, scope: JobScope, end: JobEnd): Promise<JobRecord | null> {
    return this.endWhere(manager, scope, end, IS_OPEN);
  }

  /** The one edge out of a terminal state: a job that has expired is completed after all. */
  async completeExpired(manager: EntityManager, scope: JobScope, end: JobEnd): Promise<JobRecord | null> {
    return this.endWhere(manager, scope, end, `status = 'expired'`);
  }

  /** Ends a job that has had no activity for its time to live, and no call that is running. */
  async expire(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    now: Date,
  ): Promise<JobRecord | null> {
    const end: JobEnd = { status: 'expired', errorMessage: null, metadata: {}, now };
    return this.endWhere(manager, job, end, `${IS_OPEN} AND running_calls = 0 AND ${LAST_DEADLINE} <= $6`);
  }

  /** Open jobs that may have expired, the longest overdue first. */
  async listDue(
    manager: EntityManager,
    now: Date,
    limit: number,
  ): Promise<{ teamId: string; jobId: string }[]> {
    const rows = await queryRows<{ team_id: string; job_id: string }>(
      manager,
      `SELECT team_id, job_id FROM jobs WHERE completed_at IS NULL AND expires_at <= $1
        ORDER BY expires_at LIMIT $2`,
      [now, limit],
    );
    return rows.map((row) => ({ teamId: row.team_id, jobId: row.job_id }));
  }

  /** Notes when to look again at a job that had activity, or whose call is still running. @param laterMs at least */
  async putOffExpiry(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    now: Date,
    laterMs: number,
  ): Promise<void> {
    await queryRows(
      manager,
      `UPDATE jobs SET expires_at = GREATEST(${LAST_DEADLINE}, $3::timestamptz + $4 * interval '1 millisecond')
        WHERE job_id = $1 AND team_id = $2 AND ${IS_OPEN}`,
      [job.jobId, job.teamId, now, laterMs],
    );
  }

  /**
   * How many jobs of a type the allowance has let go free since an instant. The caller has locked the team's
   * account, so nobody counts beside it.
   */
  async countFreeEndings(
    manager: EntityManager,
    job: { teamId: string; jobType: string },
    since: Date,
  ): Promise<number> {
    const rows = await queryRows<{ endings: number }>(
      manager,
      `SELECT count(*)::int AS endings FROM jobs
        WHERE team_id = $1 AND job_type = $2 AND completed_at > $3
          AND charge_rule = 'allowance' AND NOT credit_applied AND (successful_calls > 0 OR running_calls > 0)`,
      [job.teamId, job.jobType, since],
    );
    return rows[0]?.endings ?? 0;
  }

  private async endWhere(
    manager: EntityManager,
    scope: JobScope,
    end: JobEnd,
    condition: string,
  ): Promise<JobRecord | null> {
    const rows = await queryRows<{ job_id: string }>(
      manager,
      `UPDATE jobs
          SET status = $3, error_message = $4, metadata = metadata || $5::jsonb, completed_at = $6, updated_at = $6
        WHERE ${IN_SCOPE} AND ${condition}
        RETURNING job_id`,
      [scope.jobId, scope.teamId, end.status, end.errorMessage, JSON.stringify(end.metadata), end.now],
    );
    return rows.length === 0 ? null : this.find(manager, scope);
  }

  /** Freezes the answer in the transaction that ended the job. */
  async freezeCompletion(
    manager: EntityManager,
    job: { teamId: string; jobId: string },
    completion: CompletionSnapshot,
  ): Promise<void> {
    await manager.getRepository(Job).update(
      { jobId: job.jobId, teamId: job.teamId },
      {
        completion,
        creditApplied: completion.creditApplied,
        creditsCharged: completion.creditsCharged,
        creditsShortfall: completion.creditsShortfall ?? 0,
        chargeRule: completion.chargeRule ?? null,
      },
    );
  }

  /**
   * Merges metadata into a job's, key by key, whatever its state.
   *
   * @returns the metadata after it, or null if there is no such job
   */
  async mergeMetadata(
    manager: EntityManager,
    scope: JobScope,
    metadata: object,
    now: Date,
  ): Promise<{ metadata: object; updatedAt: Date } | null> {
    const rows = await queryRows<{ metadata: object; updated_at: Date }>(
      manager,
      `UPDATE jobs SET metadata = metadata || $3::jsonb, updated_at = $4
        WHERE ${IN_SCOPE} RETURNING metadata, updated_at`,
      [scope.jobId, scope.teamId, JSON.stringify(metadata), now],
    );
    const row = rows[0];
    return row === undefined ? null : { metadata: row.metadata, updatedAt: row.updated_at };
  }

  async hasOpen(manager: EntityManager, teamId: string): Promise<boolean> {
    return manager.getRepository(Job).existsBy({ teamId, completedAt: IsNull() });
  }

  /** Newest first. @param after the id after which the page begins, or null */
  async list(
    manager: EntityManager,
    filter: JobFilter,
    after: string | null,
    limit: number,
  ): Promise<JobRecord[]> {
    const query = manager
      .getRepository(Job)
      .createQueryBuilder('job')
      .orderBy('job.jobId', 'DESC')
      .limit(limit);
    if (after !== null) query.andWhere('job.jobId < :after', { after });
    if (filter.teamId !== null) query.andWhere('job.teamId = :teamId', { teamId: filter.teamId });
    if (filter.status !== null) query.andWhere('job.status = :status', { status: filter.status });
    if (filter.jobType !== null) query.andWhere('job.jobType = :jobType', { jobType: filter.jobType });
    if (filter.userId !== null) query.andWhere('job.userId = :userId', { userId: filter.userId });
    if (filter.createdAfter !== null) {
      query.andWhere('job.createdAt >= :createdAfter', { createdAfter: filter.createdAfter });
    }
    if (filter.createdBefore !== null) {
      query.andWhere('job.createdAt < :createdBefore', { createdBefore: filter.createdBefore });
    }
    return query.getMany();
  }
}
