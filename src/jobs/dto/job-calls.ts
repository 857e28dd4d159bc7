import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { type FieldError, validationFailed } from '../../common/domain-error.js';
import { ApiCursor } from '../../common/page.query.js';
import { MAX_PAGE_SIZE, type Page, type PageRequest } from '../../common/pagination.js';
import { IsQueryInteger } from '../../common/validators.js';
import {
  CALL_KINDS,
  CALL_STATUSES,
  type CallKind,
  type CallRecord,
  type CallStatus,
  SCHEMA_OUTCOMES,
  type SchemaOutcome,
} from '../../llm-calls/llm-calls.types.js';
import type { JobRecord } from '../jobs.types.js';
import { JobResponse, toJobResponse } from './job.response.js';

const EXPANSIONS = ['calls'] as const;

export class JobQuery {
  @ApiPropertyOptional({
    type: String,
    enum: EXPANSIONS,
    description: '`calls` adds the calls of the job, oldest first',
    example: 'calls',
  })
  @IsOptional()
  @IsIn(EXPANSIONS)
  expand?: (typeof EXPANSIONS)[number];

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    description: 'Calls on a page, 100 when left out; goes with `expand` only',
    example: MAX_PAGE_SIZE,
  })
  @IsOptional()
  @IsQueryInteger(1, MAX_PAGE_SIZE)
  limit?: number;

  @ApiCursor()
  cursor?: string;
}

/** A call as the team sees it: of the group, without a model and without a cost. */
export class JobCallResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  call_id!: string;

  @ApiProperty({ type: String, enum: CALL_KINDS, example: 'chat' })
  kind!: CallKind;

  @ApiProperty({
    type: Boolean,
    description: 'Whether it was answered while the answer came',
    example: false,
  })
  is_stream!: boolean;

  @ApiProperty({
    type: String,
    enum: CALL_STATUSES,
    description:
      '`partial`: the stream broke off; `client_disconnected`: its client had left, and the call counts as successful',
    example: 'succeeded',
  })
  status!: CallStatus;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'The code of the error, if it failed',
    example: null,
  })
  failure!: string | null;

  @ApiProperty({
    type: String,
    enum: SCHEMA_OUTCOMES,
    nullable: true,
    description: 'Whether the answer was what the JSON schema of the request asks for; null without one',
    example: null,
  })
  schema_outcome!: SchemaOutcome | null;

  @ApiProperty({ type: String, example: 'ChatFast' })
  model_group!: string;

  @ApiProperty({ type: String, nullable: true, example: 'initial_response' })
  purpose!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { page: 1 } })
  call_metadata!: object;

  @ApiProperty({ type: 'integer', example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', example: 33 })
  completion_tokens!: number;

  @ApiProperty({ type: 'integer', example: 57 })
  tokens_used!: number;

  @ApiProperty({ type: Boolean, description: 'Whether some of the tokens are a guess', example: false })
  is_estimated!: boolean;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Milliseconds to the first piece of the answer; null if none came',
    example: 310,
  })
  first_byte_ms!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Milliseconds; null while it runs',
    example: 842,
  })
  latency_ms!: number | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.842Z' })
  ended_at!: string | null;
}

/** A job, with its calls where they were asked for. */
export class ExpandedJobResponse extends JobResponse {
  @ApiPropertyOptional({ type: [JobCallResponse], description: 'With `expand=calls` only; oldest first' })
  calls?: JobCallResponse[];

  @ApiPropertyOptional({ type: Boolean, description: 'Whether there are more calls', example: false })
  has_more?: boolean;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'The cursor of the next page of calls',
    example: null,
  })
  next_cursor?: string | null;
}

/**
 * The page of calls that is asked for, or null for none.
 *
 * @throws DomainError validation_failed for a page of nothing
 */
export function toCallsPage(query: JobQuery): PageRequest | null {
  if (query.expand === 'calls') {
    return { cursor: query.cursor ?? null, limit: query.limit ?? MAX_PAGE_SIZE };
  }
  const fields = (['limit', 'cursor'] as const).filter((field) => query[field] !== undefined);
  if (fields.length > 0) throw validationFailed(fields.map(needsExpand));
  return null;
}

function needsExpand(field: string): FieldError {
  return { field, code: 'needs_expand', message: `${field} goes with expand=calls only` };
}

export function toExpandedJobResponse(job: JobRecord, calls: Page<CallRecord> | null): ExpandedJobResponse {
  if (calls === null) return toJobResponse(job);
  return {
    ...toJobResponse(job),
    calls: calls.data.map(toJobCall),
    has_more: calls.hasMore,
    next_cursor: calls.nextCursor,
  };
}

function toJobCall(call: CallRecord): JobCallResponse {
  return {
    call_id: call.callId,
    kind: call.kind,
    is_stream: call.isStream,
    status: call.status,
    failure: call.failure,
    schema_outcome: call.schemaOutcome,
    model_group: call.modelGroup,
    purpose: call.purpose,
    call_metadata: call.metadata,
    prompt_tokens: call.promptTokens,
    completion_tokens: call.completionTokens,
    tokens_used: call.totalTokens,
    is_estimated: call.isEstimated,
    first_byte_ms: call.firstByteMs,
    latency_ms: call.latencyMs,
    created_at: call.createdAt.toISOString(),
    ended_at: call.endedAt?.toISOString() ?? null,
  };
}
