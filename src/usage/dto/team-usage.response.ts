import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { averageUsd, sumUsd, toJsonNumber } from '../../common/money.js';
import type { JobTypeUsage } from '../usage.types.js';

export class UsageSummaryResponse {
  @ApiProperty({ type: 'integer', description: 'Jobs that ended in the period, however', example: 250 })
  total_jobs!: number;

  @ApiProperty({ type: 'integer', example: 245 })
  successful_jobs!: number;

  @ApiProperty({ type: 'integer', description: 'Failed and expired', example: 5 })
  failed_jobs!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  cancelled_jobs!: number;

  @ApiProperty({ type: 'integer', example: 412000 })
  total_tokens!: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'USD; left out where the team does not see costs',
    example: 18.75,
  })
  total_cost_usd?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'USD; left out where the team does not see costs',
    example: 0.075,
  })
  avg_cost_per_job?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Calls whose cost is not fully known; left out where the team does not see costs',
    example: 0,
  })
  unpriced_calls?: number;
}

export class JobTypeUsageResponse {
  @ApiProperty({ type: 'integer', example: 120 })
  count!: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'USD; left out where the team does not see costs',
    example: 12.2,
  })
  cost_usd?: number;
}

export class TeamUsageResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, description: 'The month, or the two days', example: '2026-11' })
  period!: string;

  @ApiProperty({ type: UsageSummaryResponse })
  summary!: UsageSummaryResponse;

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(JobTypeUsageResponse) },
    example: { document_analysis: { count: 120, cost_usd: 12.2 } },
  })
  job_types!: Record<string, JobTypeUsageResponse>;
}

export function toTeamUsageResponse(
  teamId: string,
  period: string,
  jobTypes: readonly JobTypeUsage[],
  hasCosts: boolean,
): TeamUsageResponse {
  const count = (select: (usage: JobTypeUsage) => number): number =>
    jobTypes.reduce((total, usage) => total + select(usage), 0);
  const totalJobs = count((usage) => usage.totalJobs);
  const totalCostUsd = sumUsd(jobTypes.map((usage) => usage.totalCostUsd));
  return {
    team_id: teamId,
    period,
    summary: {
      total_jobs: totalJobs,
      successful_jobs: count((usage) => usage.successfulJobs),
      failed_jobs: count((usage) => usage.failedJobs),
      cancelled_jobs: count((usage) => usage.cancelledJobs),
      total_tokens: count((usage) => usage.totalTokens),
      ...(hasCosts && {
        total_cost_usd: toJsonNumber(totalCostUsd),
        avg_cost_per_job: toJsonNumber(averageUsd(totalCostUsd, totalJobs)),
        unpriced_calls: count((usage) => usage.unpricedCalls),
      }),
    },
    job_types: Object.fromEntries(
      jobTypes.map((usage) => [
        usage.jobType,
        { count: usage.totalJobs, ...(hasCosts && { cost_usd: toJsonNumber(usage.totalCostUsd) }) },
      ]),
    ),
  };
}
