import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Interval } from '../common/time.js';
import { toSafeInteger } from '../database/columns.js';
import { queryRows } from '../database/rows.js';
import type { JobTypeUsage } from './usage.types.js';

interface UsageRow {
  readonly job_type: string;
  readonly total_jobs: string;
  readonly successful_jobs: string;
  readonly failed_jobs: string;
  readonly cancelled_jobs: string;
  readonly total_tokens: string;
  readonly total_cost_usd: string;
  readonly unpriced_calls: string;
}

/** Reads what other modules wrote; owns no table. */
@Injectable()
export class UsageRepository {
  async findCostVisibility(manager: EntityManager, teamId: string): Promise<string | null> {
    const rows = await queryRows<{ cost_visibility: string }>(
      manager,
      `SELECT cost_visibility FROM teams WHERE team_id = $1`,
      [teamId],
    );
    return rows[0]?.cost_visibility ?? null;
  }

  /** One row per job type with jobs that ended in the period, most jobs first. */
  async sumByJobType(manager: EntityManager, teamId: string, period: Interval): Promise<JobTypeUsage[]> {
    const rows = await queryRows<UsageRow>(
      manager,
      `SELECT job_type, count(*) AS total_jobs,
              count(*) FILTER (WHERE status = 'completed') AS successful_jobs,
              count(*) FILTER (WHERE status IN ('failed', 'expired')) AS failed_jobs,
              count(*) FILTER (WHERE status = 'cancelled') AS cancelled_jobs,
              sum(total_tokens)::bigint AS total_tokens,
              sum(total_cost_usd) AS total_cost_usd,
              sum(unpriced_calls) AS unpriced_calls
         FROM jobs
        WHERE team_id = $1 AND completed_at >= $2 AND completed_at < $3
        GROUP BY job_type ORDER BY count(*) DESC, job_type`,
      [teamId, period.from, period.to],
    );
    return rows.map((row) => ({
      jobType: row.job_type,
      totalJobs: toSafeInteger(row.total_jobs),
      successfulJobs: toSafeInteger(row.successful_jobs),
      failedJobs: toSafeInteger(row.failed_jobs),
      cancelledJobs: toSafeInteger(row.cancelled_jobs),
      totalTokens: toSafeInteger(row.total_tokens),
      totalCostUsd: row.total_cost_usd,
      unpricedCalls: toSafeInteger(row.unpriced_calls),
    }));
  }
}
