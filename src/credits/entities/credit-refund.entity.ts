import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import { CreditHold } from './credit-hold.entity.js';

/** Credits given back of what a hold was charged. */
@Entity('credit_refunds')
@ForeignKey(() => CreditHold, ['holdId', 'teamId'], ['holdId', 'teamId'], {
  name: 'credit_refunds_hold_fkey',
})
@Index('credit_refunds_hold_idx', ['teamId', 'holdId'])
@Check('credit_refunds_credits_check', `credits > 0`)
export class CreditRefund {
  @PrimaryColumn({ type: 'uuid', name: 'refund_id', primaryKeyConstraintName: 'credit_refunds_pkey' })
  refundId!: string;

  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_refunds_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'hold_id' })
  holdId!: string;

  @Column(BIGINT)
  credits!: number;

  @Column({ type: 'varchar', length: 512, nullable: true })
  reason!: string | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;
}
