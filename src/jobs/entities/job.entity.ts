import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, USD, quoted } from '../../database/columns.js';
import { OPEN_STATUSES } from '../job-rules.js';
import type { BudgetMode } from '../../budgets/budgets.types.js';
import {
  CHARGE_RULES,
  type ChargeRule,
  type CompletionSnapshot,
  JOB_STATUSES,
  type JobStatus,
} from '../jobs.types.js';

/** One business operation. Its totals change in the transaction of the call that they count. */
@Entity('jobs')
@Index('jobs_team_id_job_id_idx', ['teamId', 'jobId'])
@Index('jobs_team_id_completed_at_idx', ['teamId', 'completedAt'], { where: 'completed_at IS NOT NULL' })
@Index('jobs_open_idx', ['teamId', 'jobId'], { where: 'completed_at IS NULL' })
@Index('jobs_expires_at_idx', ['expiresAt'], { where: 'completed_at IS NULL' })
@Index('jobs_free_endings_idx', ['teamId', 'jobType', 'completedAt'], {
  where: `charge_rule = 'allowance' AND NOT credit_applied AND (successful_calls > 0 OR running_calls > 0)`,
})
@Check('jobs_charge_rule_check', `charge_rule IN (${quoted(CHARGE_RULES)})`)
@Check('jobs_status_check', `status IN (${quoted(JOB_STATUSES)})`)
@Check('jobs_ended_check', `(status IN (${quoted(OPEN_STATUSES)})) = (completed_at IS NULL)`)
@Check('jobs_calls_check', `total_calls = successful_calls + failed_calls + running_calls`)
@Check('jobs_running_calls_check', `running_calls >= 0`)
@Check('jobs_schema_missed_calls_check', `schema_missed_calls BETWEEN 0 AND total_calls`)
@Check('jobs_credits_check', `credit_applied = (credits_charged > 0)`)
export class Job {
  @PrimaryColumn({ type: 'uuid', name: 'job_id', primaryKeyConstraintName: 'jobs_pkey' })
  jobId!: string;

  @ForeignKey('Team', { name: 'jobs_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'jobs_pkey' })
  teamId!: string;

  @Column({ type: 'varchar', length: 128, name: 'job_type' })
  jobType!: string;

  @Column({ type: 'varchar', length: 256, name: 'user_id', nullable: true })
  userId!: string | null;

  @Column({ type: 'varchar', length: 16 })
  status!: JobStatus;

  @Column({ type: 'jsonb' })
  metadata!: object;

  @Column({ type: 'text', name: 'error_message', nullable: true })
  errorMessage!: string | null;

  /** Credits set aside when the job was created. */
  @Column({ ...BIGINT, name: 'credits_held' })
  creditsHeld!: number;

  @Column({ type: 'boolean', name: 'credit_applied' })
  creditApplied!: boolean;

  @Column({ ...BIGINT, name: 'credits_charged' })
  creditsCharged!: number;

  @Column({ ...BIGINT, name: 'credits_shortfall' })
  creditsShortfall!: number;

  @Column({ type: 'varchar', length: 24, name: 'charge_rule', nullable: true })
  chargeRule!: ChargeRule | null;

  /** The terms under which it was created: what a credit buys. */
  @Column({ type: 'varchar', length: 24, name: 'budget_mode' })
  budgetMode!: BudgetMode;

  @Column({ type: 'numeric', precision: 18, scale: 6, name: 'credits_per_dollar' })
  creditsPerDollar!: string;

  @Column({ ...BIGINT, name: 'tokens_per_credit' })
  tokensPerCredit!: number;

  /** From its last activity, which is `updated_at` while it is open. */
  @Column({ ...BIGINT, name: 'time_to_live_ms' })
  timeToLiveMs!: number;

  /** Of the terms under which it was created: whether its calls may pay a second model for one answer. */
  @Column({ type: 'boolean', name: 'may_retry_ambiguous' })
  mayRetryAmbiguous!: boolean;

  /** When to look at it again; moved on by that only, so that calls need not touch the index. */
  @Column({ ...TIMESTAMP, name: 'expires_at' })
  expiresAt!: Date;

  @Column({ type: 'integer', name: 'total_calls' })
  totalCalls!: number;

  @Column({ type: 'integer', name: 'successful_calls' })
  successfulCalls!: number;

  @Column({ type: 'integer', name: 'failed_calls' })
  failedCalls!: number;

  @Column({ type: 'integer', name: 'running_calls' })
  runningCalls!: number;

  @Column({ type: 'integer', name: 'unpriced_calls' })
  unpricedCalls!: number;

  /** Of the others: those whose answer was not what their schema asks for. */
  @Column({ type: 'integer', name: 'schema_missed_calls' })
  schemaMissedCalls!: number;

  @Column({ ...BIGINT, name: 'total_tokens' })
  totalTokens!: number;

  @Column({ ...USD, name: 'total_cost_usd' })
  totalCostUsd!: string;

  @Column({ ...BIGINT, name: 'total_latency_ms' })
  totalLatencyMs!: number;

  /** In the order of their first call that ended. */
  @Column({ type: 'varchar', length: 128, array: true, name: 'model_groups_used' })
  modelGroupsUsed!: string[];

  /** Whether it was made for one call, and ends in the transaction that records it. */
  @Column({ type: 'boolean', name: 'ends_with_call' })
  endsWithCall!: boolean;

  /** The frozen answer to the completion. */
  @Column({ type: 'jsonb', nullable: true })
  completion!: CompletionSnapshot | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'started_at', nullable: true })
  startedAt!: Date | null;

  @Column({ ...TIMESTAMP, name: 'completed_at', nullable: true })
  completedAt!: Date | null;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
