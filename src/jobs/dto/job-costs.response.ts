import { ApiProperty } from '@nestjs/swagger';
import { toJsonNumber } from '../../common/money.js';
import type { Page } from '../../common/pagination.js';
import {
  type AttemptRecord,
  type AttemptRowStatus,
  ATTEMPT_STATUSES,
  CALL_STATUSES,
  type CallRecord,
  type CallStatus,
} from '../../llm-calls/llm-calls.types.js';
import { COST_SOURCES } from '../../gateway/gateway.types.js';
import { averageLatencyMs } from '../job-rules.js';
import type { JobRecord } from '../jobs.types.js';

/** Tokens by what they are billed as; none is in two of them, and together they are prompt and completion. */
export class TokenBucketsResponse {
  @ApiProperty({
    type: 'integer',
    description: 'Text of the prompt that came from no cache and went into none',
    example: 24,
  })
  input_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the prompt', example: 0 })
  cache_read_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the prompt', example: 0 })
  cache_write_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the prompt', example: 0 })
  audio_input_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the prompt', example: 0 })
  image_input_tokens!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Text of the answer, and whatever is none of the following',
    example: 33,
  })
  output_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the completion', example: 0 })
  reasoning_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the completion', example: 0 })
  audio_output_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the completion', example: 0 })
  image_output_tokens!: number;
}

export class AttemptCostResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d13' })
  attempt_id!: string;

  @ApiProperty({ type: 'integer', description: 'From 1, in the order of the tries', example: 1 })
  number!: number;

  @ApiProperty({ type: String, example: 'model-a' })
  model!: string;

  @ApiProperty({ type: String, enum: ATTEMPT_STATUSES, example: 'succeeded' })
  status!: AttemptRowStatus;

  @ApiProperty({ type: String, nullable: true, description: 'Why it did not succeed', example: null })
  failure!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 200 })
  upstream_status!: number | null;

  @ApiProperty({ type: String, nullable: true, description: "The upstream's own words", example: null })
  upstream_error!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 24 })
  prompt_tokens!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 33 })
  completion_tokens!: number | null;

  @ApiProperty({
    type: TokenBucketsResponse,
    nullable: true,
    description: 'Null where no usage is known, and of attempts that older versions have made',
  })
  tokens!: TokenBucketsResponse | null;

  @ApiProperty({
    type: Boolean,
    description: 'Whether the tokens are guessed from the lengths of the texts',
    example: false,
  })
  is_estimated!: boolean;

  @ApiProperty({ type: Number, nullable: true, description: 'USD; null while unknown', example: 0.0000234 })
  cost_usd!: number | null;

  @ApiProperty({
    type: String,
    enum: COST_SOURCES,
    nullable: true,
    description:
      '`unpriced`: nobody has said it; `refused`: what was said cannot be a cost. Both are unknown, never free. Null while the attempt runs',
    example: 'upstream_header',
  })
  cost_source!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'The cost as the upstream wrote it, also where it was refused',
    example: '2.34e-05',
  })
  cost_text!: string | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Milliseconds to the first byte of an answer, of a stream to the first piece that says something; null if none came',
    example: 310,
  })
  first_byte_ms!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Milliseconds', example: 840 })
  latency_ms!: number | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  started_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.840Z' })
  ended_at!: string | null;
}

export class CallCostResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  call_id!: string;

  @ApiProperty({ type: String, enum: CALL_STATUSES, example: 'succeeded' })
  status!: CallStatus;

  @ApiProperty({
    type: String,
    description: 'The model tried last: the one that answered',
    example: 'model-a',
  })
  model!: string;

  @ApiProperty({ type: String, example: 'ChatFast' })
  model_group!: string;

  @ApiProperty({ type: String, nullable: true, example: 'initial_response' })
  purpose!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { page: 1 } })
  call_metadata!: object;

  @ApiProperty({ type: 'integer', description: 'Over all attempts', example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Over all attempts', example: 33 })
  completion_tokens!: number;

  @ApiProperty({ type: Number, description: 'USD, the known part over all attempts', example: 0.0000234 })
  cost_usd!: number;

  @ApiProperty({ type: Boolean, description: 'Whether an attempt has an unknown cost', example: false })
  is_unpriced!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Milliseconds', example: 842 })
  latency_ms!: number | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: [AttemptCostResponse] })
  attempts!: AttemptCostResponse[];
}

export class JobCostTotalsResponse {
  @ApiProperty({ type: Number, description: 'USD, the known part over all attempts', example: 0.000867 })
  total_cost_usd!: number;

  @ApiProperty({ type: 'integer', example: 3 })
  total_calls!: number;

  @ApiProperty({ type: 'integer', example: 3 })
  successful_calls!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  failed_calls!: number;

  @ApiProperty({ type: 'integer', description: 'Calls that have not ended yet', example: 0 })
  running_calls!: number;

  @ApiProperty({ type: 'integer', description: 'Calls whose cost is not fully known', example: 0 })
  unpriced_calls!: number;

  @ApiProperty({ type: 'integer', example: 577 })
  total_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the successful calls, milliseconds', example: 783 })
  avg_latency_ms!: number;

  @ApiProperty({ type: [CallCostResponse], description: 'Oldest first' })
  breakdown!: CallCostResponse[];

  @ApiProperty({ type: Boolean, description: 'Whether the breakdown goes on', example: false })
  has_more!: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor!: string | null;
}

export class JobCostsResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: JobCostTotalsResponse })
  costs!: JobCostTotalsResponse;
}

export function toJobCostsResponse(job: JobRecord, calls: Page<CallRecord>): JobCostsResponse {
  return {
    job_id: job.jobId,
    team_id: job.teamId,
    costs: {
      total_cost_usd: toJsonNumber(job.totalCostUsd),
      total_calls: job.totalCalls,
      successful_calls: job.successfulCalls,
      failed_calls: job.failedCalls,
      running_calls: job.runningCalls,
      unpriced_calls: job.unpricedCalls,
      total_tokens: job.totalTokens,
      avg_latency_ms: averageLatencyMs(job),
      breakdown: calls.data.map(toCallCost),
      has_more: calls.hasMore,
      next_cursor: calls.nextCursor,
    },
  };
}

function toCallCost(call: CallRecord): CallCostResponse {
  return {
    call_id: call.callId,
    status: call.status,
    model: call.attempts.at(-1)?.modelName ?? '',
    model_group: call.modelGroup,
    purpose: call.purpose,
    call_metadata: call.metadata,
    prompt_tokens: call.promptTokens,
    completion_tokens: call.completionTokens,
    cost_usd: toJsonNumber(call.costUsd),
    is_unpriced: call.isUnpriced,
    latency_ms: call.latencyMs,
    created_at: call.createdAt.toISOString(),
    attempts: call.attempts.map(toAttemptCost),
  };
}

function toAttemptCost(attempt: AttemptRecord): AttemptCostResponse {
  return {
    attempt_id: attempt.attemptId,
    number: attempt.number,
    model: attempt.modelName,
    status: attempt.status,
    failure: attempt.failure,
    upstream_status: attempt.upstreamStatus,
    upstream_error: attempt.upstreamError,
    prompt_tokens: attempt.promptTokens,
    completion_tokens: attempt.completionTokens,
    tokens: toTokenBuckets(attempt),
    is_estimated: attempt.isEstimated === true,
    cost_usd: attempt.costUsd === null ? null : toJsonNumber(attempt.costUsd),
    cost_source: attempt.costSource,
    cost_text: attempt.costText,
    first_byte_ms: attempt.firstByteMs,
    latency_ms: attempt.latencyMs,
    started_at: attempt.startedAt.toISOString(),
    ended_at: attempt.endedAt?.toISOString() ?? null,
  };
}

function toTokenBuckets(attempt: AttemptRecord): TokenBucketsResponse | null {
  if (attempt.inputTokens === null) return null;
  return {
    input_tokens: attempt.inputTokens,
    cache_read_tokens: attempt.cacheReadTokens ?? 0,
    cache_write_tokens: attempt.cacheWriteTokens ?? 0,
    audio_input_tokens: attempt.audioInputTokens ?? 0,
    image_input_tokens: attempt.imageInputTokens ?? 0,
    output_tokens: attempt.outputTokens ?? 0,
    reasoning_tokens: attempt.reasoningTokens ?? 0,
    audio_output_tokens: attempt.audioOutputTokens ?? 0,
    image_output_tokens: attempt.imageOutputTokens ?? 0,
  };
}
