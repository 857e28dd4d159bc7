import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import { CreditAccount } from './credit-account.entity.js';
import { HOLD_STATUSES, type HoldStatus } from '../credits.types.js';

/** Credits set aside for one job until it ends. */
@Entity('credit_holds')
@Index('credit_holds_job_key', ['teamId', 'jobId', 'number'], { unique: true })
@Check('credit_holds_credits_check', `credits > 0`)
@Check('credit_holds_status_check', `status IN (${HOLD_STATUSES.map((status) => `'${status}'`).join(', ')})`)
@Check('credit_holds_ended_check', `(status = 'held') = (ended_at IS NULL)`)
export class CreditHold {
  @PrimaryColumn({ type: 'uuid', name: 'hold_id', primaryKeyConstraintName: 'credit_holds_pkey' })
  holdId!: string;

  @ForeignKey(() => CreditAccount, { name: 'credit_holds_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_holds_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'job_id' })
  jobId!: string;

  /** A job may be given a further hold later; the first is 1. */
  @Column({ type: 'smallint' })
  number!: number;

  @Column(BIGINT)
  credits!: number;

  @Column({ type: 'varchar', length: 16 })
  status!: HoldStatus;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
