import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import { CreditAccount } from './credit-account.entity.js';

/** Credits given to a team at one time. `remaining` is what no hold has drawn yet. */
@Entity('credit_grants')
@Index('credit_grants_open_idx', ['teamId', 'grantId'], { where: 'remaining > 0' })
@Check('credit_grants_credits_check', `credits > 0`)
@Check('credit_grants_remaining_check', `remaining >= 0 AND remaining <= credits`)
export class CreditGrant {
  @PrimaryColumn({ type: 'uuid', name: 'grant_id', primaryKeyConstraintName: 'credit_grants_pkey' })
  grantId!: string;

  @ForeignKey(() => CreditAccount, { name: 'credit_grants_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_grants_pkey' })
  teamId!: string;

  @Column(BIGINT)
  credits!: number;

  @Column(BIGINT)
  remaining!: number;

  @Column({ type: 'varchar', length: 512, nullable: true })
  reason!: string | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;
}
