import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { sumUsd, toJsonNumber } from '../../common/money.js';
import type { TeamUsage } from '../usage.types.js';

export class OrganizationUsageSummaryResponse {
  @ApiProperty({ type: 'integer', description: 'Jobs that ended in the period, however', example: 250 })
  total_jobs!: number;

  @ApiProperty({ type: 'integer', example: 245 })
  completed_jobs!: number;

  @ApiProperty({ type: 'integer', description: 'Failed and expired', example: 5 })
  failed_jobs!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  cancelled_jobs!: number;

  @ApiProperty({ type: 'integer', description: 'Charged for these jobs', example: 245 })
  credits_used!: number;

  @ApiProperty({ type: Number, description: 'USD', example: 18.75 })
  total_cost_usd!: number;

  @ApiProperty({ type: 'integer', example: 412000 })
  total_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Calls whose cost is not fully known', example: 0 })
  unpriced_calls!: number;
}

export class TeamShareResponse {
  @ApiProperty({ type: 'integer', example: 250 })
  jobs!: number;

  @ApiProperty({ type: 'integer', example: 245 })
  credits_used!: number;
}

export class OrganizationUsageResponse {
  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: String, description: 'The month, or the two days', example: '2026-11' })
  period!: string;

  @ApiProperty({ type: OrganizationUsageSummaryResponse })
  summary!: OrganizationUsageSummaryResponse;

  @ApiProperty({
    type: 'object',
    description: 'By team; those without a job in the period are left out',
    additionalProperties: { $ref: getSchemaPath(TeamShareResponse) },
    example: { 'engineering-team': { jobs: 250, credits_used: 245 } },
  })
  teams!: Record<string, TeamShareResponse>;
}

export function toOrganizationUsageResponse(
  organizationId: string,
  period: string,
  teams: readonly TeamUsage[],
): OrganizationUsageResponse {
  const sum = (select: (usage: TeamUsage) => number): number =>
    teams.reduce((total, usage) => total + select(usage), 0);
  return {
    organization_id: organizationId,
    period,
    summary: {
      total_jobs: sum((usage) => usage.totalJobs),
      completed_jobs: sum((usage) => usage.completedJobs),
      failed_jobs: sum((usage) => usage.failedJobs),
      cancelled_jobs: sum((usage) => usage.cancelledJobs),
      credits_used: sum((usage) => usage.creditsUsed),
      total_cost_usd: toJsonNumber(sumUsd(teams.map((usage) => usage.totalCostUsd))),
      total_tokens: sum((usage) => usage.totalTokens),
      unpriced_calls: sum((usage) => usage.unpricedCalls),
    },
    teams: Object.fromEntries(
      teams.map((usage) => [usage.teamId, { jobs: usage.totalJobs, credits_used: usage.creditsUsed }]),
    ),
  };
}
