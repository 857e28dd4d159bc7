import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, USD, quoted } from '../../database/columns.js';
import {
  CALL_KINDS,
  CALL_STATUSES,
  type CallKind,
  type CallStatus,
  type RecordedFailure,
  SCHEMA_OUTCOMES,
  type SchemaOutcome,
} from '../llm-calls.types.js';

/** One request inside a job. Costs and tokens are of all its attempts. */
@Entity('llm_calls')
@ForeignKey('Job', ['jobId', 'teamId'], ['jobId', 'teamId'], { name: 'llm_calls_job_fkey' })
@Index('llm_calls_job_idx', ['teamId', 'jobId', 'callId'])
@Index('llm_calls_in_flight_idx', ['deadlineAt'], { where: `status = 'in_flight'` })
@Check('llm_calls_status_check', `status IN (${quoted(CALL_STATUSES)})`)
@Check('llm_calls_kind_check', `kind IN (${quoted(CALL_KINDS)})`)
@Check('llm_calls_schema_outcome_check', `schema_outcome IN (${quoted(SCHEMA_OUTCOMES)})`)
@Check('llm_calls_ended_check', `(status = 'in_flight') = (ended_at IS NULL)`)
export class LlmCall {
  @PrimaryColumn({ type: 'uuid', name: 'call_id', primaryKeyConstraintName: 'llm_calls_pkey' })
  callId!: string;

  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'llm_calls_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'job_id' })
  jobId!: string;

  @Column({ ...IDENTIFIER, name: 'model_group' })
  modelGroup!: string;

  @Column({ type: 'varchar', length: 256, nullable: true })
  purpose!: string | null;

  /** The caller's own, of any shape; stays with us. */
  @Column({ type: 'jsonb' })
  metadata!: object;

  @Column({ type: 'varchar', length: 16 })
  kind!: CallKind;

  @Column({ type: 'boolean', name: 'is_stream' })
  isStream!: boolean;

  @Column({ type: 'varchar', length: 24 })
  status!: CallStatus;

  @Column({ type: 'varchar', length: 32, nullable: true })
  failure!: RecordedFailure | null;

  @Column({ type: 'varchar', length: 8, name: 'schema_outcome', nullable: true })
  schemaOutcome!: SchemaOutcome | null;

  /** The process that makes the call; see `LlmCallLease`. */
  @Column({ type: 'uuid', name: 'process_id' })
  processId!: string;

  /** By then the call has ended, or its process has. */
  @Column({ ...TIMESTAMP, name: 'deadline_at' })
  deadlineAt!: Date;

  @Column({ ...BIGINT, name: 'prompt_tokens' })
  promptTokens!: number;

  @Column({ ...BIGINT, name: 'completion_tokens' })
  completionTokens!: number;

  @Column({ ...BIGINT, name: 'total_tokens' })
  totalTokens!: number;

  /** The known part where `isUnpriced`. */
  @Column({ ...USD, name: 'cost_usd' })
  costUsd!: string;

  /** Whether an attempt may have cost something that nobody has reported. */
  @Column({ type: 'boolean', name: 'is_unpriced' })
  isUnpriced!: boolean;

  /** Whether the tokens of an attempt are guessed. */
  @Column({ type: 'boolean', name: 'is_estimated' })
  isEstimated!: boolean;

  /** Of the attempt that answered. */
  @Column({ type: 'integer', name: 'first_byte_ms', nullable: true })
  firstByteMs!: number | null;

  @Column({ type: 'integer', name: 'latency_ms', nullable: true })
  latencyMs!: number | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
