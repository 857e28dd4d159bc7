import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { toJsonNumber } from '../../common/money.js';
import type { CostVisibility } from '../../teams/teams.types.js';
import type { CompletedJob } from '../job-completion.service.js';
import { CHARGE_RULES, type ChargeRule, END_STATUSES, type JobStatus } from '../jobs.types.js';

export class CompletionCostsResponse {
  @ApiProperty({ type: 'integer', example: 3 })
  total_calls!: number;

  @ApiProperty({ type: 'integer', example: 3 })
  successful_calls!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  failed_calls!: number;

  @ApiProperty({ type: 'integer', example: 577 })
  total_tokens!: number;

  @ApiPropertyOptional({
    type: 'integer',
    description:
      'Of the successful ones, those whose answer was not what their JSON schema asks for; left out if there is none',
    example: 1,
  })
  schema_missed_calls?: number;

  @ApiPropertyOptional({
    type: Number,
    description: 'USD; left out where the team does not see costs',
    example: 0.000867,
  })
  total_cost_usd?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Calls whose cost is not fully known; left out where the team does not see costs',
    example: 0,
  })
  unpriced_calls?: number;

  @ApiProperty({ type: 'integer', description: 'Of the successful calls, milliseconds', example: 783 })
  avg_latency_ms!: number;

  @ApiProperty({ type: Boolean, description: 'Whether the job was charged', example: true })
  credit_applied!: boolean;

  @ApiProperty({ type: 'integer', example: 1 })
  credits_charged!: number;

  @ApiPropertyOptional({
    type: 'integer',
    description:
      'Due beyond what the team had, to be covered before its next job; only of budgets by consumption',
    example: 0,
  })
  credits_shortfall?: number;

  @ApiPropertyOptional({
    type: String,
    enum: CHARGE_RULES,
    description:
      'What decided about the charge: `completed` and `all_calls_failed` of a completed job, the rule of the team for any other end',
    example: 'completed',
  })
  charge_rule?: ChargeRule;

  @ApiProperty({ type: 'integer', description: "The team's, after this job", example: 99 })
  credits_remaining!: number;
}

export class CompletedJobResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({ type: String, enum: END_STATUSES, example: 'completed' })
  status!: JobStatus;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.000Z' })
  completed_at!: string | null;

  @ApiProperty({ type: CompletionCostsResponse })
  costs!: CompletionCostsResponse;
}

export function toCompletedJobResponse(
  { job, completion }: CompletedJob,
  visibility: CostVisibility,
): CompletedJobResponse {
  return {
    job_id: job.jobId,
    status: job.status,
    completed_at: job.completedAt?.toISOString() ?? null,
    costs: {
      total_calls: completion.totalCalls,
      successful_calls: completion.successfulCalls,
      failed_calls: completion.failedCalls,
      ...((completion.schemaMissedCalls ?? 0) > 0 && {
        schema_missed_calls: completion.schemaMissedCalls,
      }),
      total_tokens: completion.totalTokens,
      ...(visibility === 'summary' && {
        total_cost_usd: toJsonNumber(completion.totalCostUsd),
        unpriced_calls: completion.unpricedCalls,
      }),
      avg_latency_ms: completion.avgLatencyMs,
      credit_applied: completion.creditApplied,
      credits_charged: completion.creditsCharged,
      ...(completion.creditsShortfall !== undefined && { credits_shortfall: completion.creditsShortfall }),
      ...(completion.chargeRule !== undefined && { charge_rule: completion.chargeRule }),
      credits_remaining: completion.creditsRemaining,
    },
  };
}
