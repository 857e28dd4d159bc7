import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Interval } from '../common/time.js';
import { toSafeInteger } from '../database/columns.js';
import { queryRows } from '../database/rows.js';
import type { Dashboard, JobTypeUsage, TeamUsage } from './usage.types.js';

interface TotalsRow {
  readonly total_jobs: string;
  readonly successful_jobs: string;
  readonly failed_jobs: string;
  readonly cancelled_jobs: string;
  readonly credits_used: string;
  readonly total_tokens: string;
  readonly total_cost_usd: string;
  readonly unpriced_calls: string;
}

/** What every report counts of the jobs it groups. */
const TOTALS = `
  count(*) AS total_jobs,
  count(*) FILTER (WHERE status = 'completed') AS successful_jobs,
  count(*) FILTER (WHERE status IN ('failed', 'expired')) AS failed_jobs,
  count(*) FILTER (WHERE status = 'cancelled') AS cancelled_jobs,
  sum(credits_charged)::bigint AS credits_used,
  sum(total_tokens)::bigint AS total_tokens,
  sum(total_cost_usd) AS total_cost_usd,
  sum(unpriced_calls) AS unpriced_calls`;

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
    const rows = await queryRows<TotalsRow & { job_type: string }>(
      manager,
      `SELECT job_type, ${TOTALS}
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

  async hasOrganization(manager: EntityManager, organizationId: string): Promise<boolean> {
    const rows = await queryRows(manager, `SELECT 1 FROM organizations WHERE organization_id = $1`, [
      organizationId,
    ]);
    return rows.length === 1;
  }

  /** One row per team of the organization with jobs that ended in the period, by team id. */
  async sumByTeam(manager: EntityManager, organizationId: string, period: Interval): Promise<TeamUsage[]> {
    const rows = await queryRows<TotalsRow & { team_id: string }>(
      manager,
      `SELECT team_id, ${TOTALS}
         FROM jobs
        WHERE team_id IN (SELECT team_id FROM teams WHERE organization_id = $1)
          AND completed_at >= $2 AND completed_at < $3
        GROUP BY team_id ORDER BY team_id`,
      [organizationId, period.from, period.to],
    );
    return rows.map((row) => ({
      teamId: row.team_id,
      totalJobs: toSafeInteger(row.total_jobs),
      completedJobs: toSafeInteger(row.successful_jobs),
      failedJobs: toSafeInteger(row.failed_jobs),
      cancelledJobs: toSafeInteger(row.cancelled_jobs),
      creditsUsed: toSafeInteger(row.credits_used),
      totalTokens: toSafeInteger(row.total_tokens),
      totalCostUsd: row.total_cost_usd,
      unpricedCalls: toSafeInteger(row.unpriced_calls),
    }));
  }

  /**
   * Reads a row per team, organization and group, and none per job. Deleted teams keep their credits. Sums over
   * all teams may be beyond what a number holds exactly, which is no reason to have none.
   */
  async countAll(manager: EntityManager): Promise<Dashboard> {
    const rows = await queryRows<Record<keyof Dashboard, string>>(
      manager,
      `SELECT (SELECT count(*) FROM organizations) AS "organizations",
              (SELECT count(*) FROM teams WHERE status <> 'deleted') AS "teams",
              (SELECT count(*) FROM model_groups) AS "modelGroups",
              COALESCE(-sum(issued), 0) AS "totalCredits",
              COALESCE(sum(available + held), 0) AS "creditsRemaining",
              COALESCE(sum(consumed), 0) AS "creditsUsed"
         FROM credit_accounts`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('An aggregate has no row.');
    return {
      organizations: Number(row.organizations),
      teams: Number(row.teams),
      modelGroups: Number(row.modelGroups),
      totalCredits: Number(row.totalCredits),
      creditsRemaining: Number(row.creditsRemaining),
      creditsUsed: Number(row.creditsUsed),
    };
  }
}
