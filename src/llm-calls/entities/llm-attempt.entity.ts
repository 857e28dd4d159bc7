import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, USD, quoted } from '../../database/columns.js';
import type { AttemptFailure, CostSource } from '../../gateway/gateway.types.js';
import { ATTEMPT_STATUSES, type AttemptRowStatus } from '../llm-calls.types.js';

/** One try of a call against one real model. Its row is there before the request leaves. */
@Entity('llm_attempts')
@Index('llm_attempts_call_key', ['teamId', 'callId', 'number'], { unique: true })
@Check('llm_attempts_status_check', `status IN (${quoted(ATTEMPT_STATUSES)})`)
@Check('llm_attempts_ended_check', `(status = 'in_flight') = (ended_at IS NULL)`)
@Check(
  'llm_attempts_cost_check',
  `CASE WHEN status = 'in_flight' THEN cost_source IS NULL AND cost_usd IS NULL ` +
    `ELSE cost_source IS NOT NULL AND (cost_source IN ('unpriced', 'refused')) = (cost_usd IS NULL) END`,
)
@Check(
  'llm_attempts_buckets_check',
  `input_tokens IS NULL OR (input_tokens + cache_read_tokens + cache_write_tokens + audio_input_tokens + ` +
    `image_input_tokens = prompt_tokens AND output_tokens + reasoning_tokens + audio_output_tokens + ` +
    `image_output_tokens = completion_tokens)`,
)
export class LlmAttempt {
  @PrimaryColumn({ type: 'uuid', name: 'attempt_id', primaryKeyConstraintName: 'llm_attempts_pkey' })
  attemptId!: string;

  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'llm_attempts_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'call_id' })
  callId!: string;

  /** From 1, in the order of the tries. */
  @Column({ type: 'smallint' })
  number!: number;

  @Column({ type: 'varchar', length: 256, name: 'model_name' })
  modelName!: string;

  @Column({ type: 'varchar', length: 16 })
  status!: AttemptRowStatus;

  @Column({ type: 'varchar', length: 32, nullable: true })
  failure!: AttemptFailure | null;

  @Column({ type: 'smallint', name: 'upstream_status', nullable: true })
  upstreamStatus!: number | null;

  @Column({ type: 'text', name: 'upstream_error', nullable: true })
  upstreamError!: string | null;

  @Column({ ...BIGINT, name: 'prompt_tokens', nullable: true })
  promptTokens!: number | null;

  @Column({ ...BIGINT, name: 'completion_tokens', nullable: true })
  completionTokens!: number | null;

  @Column({ ...BIGINT, name: 'total_tokens', nullable: true })
  totalTokens!: number | null;

  /** From here on the tokens by what they are billed as; see `UsageBuckets` of the gateway. */
  @Column({ type: 'integer', name: 'input_tokens', nullable: true })
  inputTokens!: number | null;

  @Column({ type: 'integer', name: 'cache_read_tokens', nullable: true })
  cacheReadTokens!: number | null;

  @Column({ type: 'integer', name: 'cache_write_tokens', nullable: true })
  cacheWriteTokens!: number | null;

  @Column({ type: 'integer', name: 'audio_input_tokens', nullable: true })
  audioInputTokens!: number | null;

  @Column({ type: 'integer', name: 'image_input_tokens', nullable: true })
  imageInputTokens!: number | null;

  @Column({ type: 'integer', name: 'output_tokens', nullable: true })
  outputTokens!: number | null;

  @Column({ type: 'integer', name: 'reasoning_tokens', nullable: true })
  reasoningTokens!: number | null;

  @Column({ type: 'integer', name: 'audio_output_tokens', nullable: true })
  audioOutputTokens!: number | null;

  @Column({ type: 'integer', name: 'image_output_tokens', nullable: true })
  imageOutputTokens!: number | null;

  /** Whether the tokens are guessed from the lengths of the texts. */
  @Column({ type: 'boolean', name: 'is_estimated', nullable: true })
  isEstimated!: boolean | null;

  /** Null while unknown, never zero for it. */
  @Column({ ...USD, name: 'cost_usd', nullable: true })
  costUsd!: string | null;

  @Column({ type: 'varchar', length: 32, name: 'cost_source', nullable: true })
  costSource!: CostSource | null;

  /** The cost as the upstream wrote it. */
  @Column({ type: 'varchar', length: 128, name: 'cost_text', nullable: true })
  costText!: string | null;

  @Column({ type: 'integer', name: 'first_byte_ms', nullable: true })
  firstByteMs!: number | null;

  @Column({ type: 'integer', name: 'latency_ms', nullable: true })
  latencyMs!: number | null;

  @Column({ ...TIMESTAMP, name: 'started_at' })
  startedAt!: Date;

  @Column({ ...TIMESTAMP, name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
