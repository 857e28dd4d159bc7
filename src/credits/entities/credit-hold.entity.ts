import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, quoted } from '../../database/columns.js';
import { CreditAccount } from './credit-account.entity.js';
import { HOLD_STATUSES, type HoldStatus } from '../credits.types.js';

/** Credits set aside for one job until it ends, and what became of them. */
@Entity('credit_holds')
@Index('credit_holds_job_key', ['teamId', 'jobId', 'number'], { unique: true })
@Check('credit_holds_credits_check', `credits > 0`)
@Check('credit_holds_status_check', `status IN (${quoted(HOLD_STATUSES)})`)
@Index('credit_holds_unpaid_idx', ['teamId', 'holdId'], { where: 'shortfall > 0 OR overdrawn > 0' })
@Check('credit_holds_captured_check', `(status = 'captured') = (captured > 0)`)
@Check('credit_holds_refunded_check', `refunded >= 0 AND refunded <= captured`)
@Check(
  'credit_holds_unpaid_check',
  `shortfall >= 0 AND overdrawn >= 0 AND (status = 'captured' OR shortfall = 0) AND (status <> 'released' OR overdrawn = 0)`,
)
@Check('credit_holds_ended_check', `(status = 'held') = (ended_at IS NULL)`)
export class CreditHold {
  @PrimaryColumn({ type: 'uuid', name: 'hold_id', primaryKeyConstraintName: 'credit_holds_pkey' })
  holdId!: string;

  @ForeignKey(() => CreditAccount, { name: 'credit_holds_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_holds_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'job_id' })
  jobId!: string;

  /** Of the job; it decides which grants may pay. */
  @Column({ type: 'varchar', length: 128, name: 'job_type' })
  jobType!: string;

  /** A job that is completed after it has expired is given a further hold; the first is 1. */
  @Column({ type: 'smallint' })
  number!: number;

  @Column(BIGINT)
  credits!: number;

  @Column({ type: 'varchar', length: 16 })
  status!: HoldStatus;

  /** Charged in all, at its end and later. */
  @Column(BIGINT)
  captured!: number;

  /** Of what was captured. */
  @Column(BIGINT)
  refunded!: number;

  /** Due and not there when it was charged; becomes captured when credits come. */
  @Column(BIGINT)
  shortfall!: number;

  /** What no grant has paid for yet. */
  @Column(BIGINT)
  overdrawn!: number;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
