import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP, USD, quoted } from '../../database/columns.js';
import { GRANT_KINDS, type GrantKind, PAYMENT_TYPES, type PaymentType } from '../credits.types.js';
import { CreditAccount } from './credit-account.entity.js';

/** Credits given to a team at one time. `remaining` is what no hold has drawn and what has not run out. */
@Entity('credit_grants')
@Index('credit_grants_team_id_grant_id_idx', ['teamId', 'grantId'])
@Index('credit_grants_open_idx', ['teamId', 'grantId'], { where: 'remaining > 0' })
@Index('credit_grants_reference_key', ['teamId', 'externalReference'], {
  unique: true,
  where: 'external_reference IS NOT NULL',
})
@Index('credit_grants_expiry_idx', ['expiresAt'], { where: 'remaining > 0 AND expires_at IS NOT NULL' })
@Check('credit_grants_credits_check', `credits > 0`)
@Check('credit_grants_remaining_check', `remaining >= 0 AND remaining <= credits`)
@Check('credit_grants_expired_check', `expired >= 0 AND remaining + expired <= credits`)
@Check('credit_grants_kind_check', `kind IN (${quoted(GRANT_KINDS)})`)
@Check('credit_grants_period_check', `starts_at < expires_at`)
@Check('credit_grants_price_check', `unit_price_usd >= 0`)
@Check(
  'credit_grants_payment_check',
  `payment_amount_usd >= 0 AND (payment_type IS NULL OR payment_type IN (${quoted(PAYMENT_TYPES)}) AND kind = 'purchase')`,
)
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

  @Column(BIGINT)
  expired!: number;

  @Column({ type: 'varchar', length: 16 })
  kind!: GrantKind;

  @Column({ type: 'varchar', length: 512, nullable: true })
  reason!: string | null;

  @Column({ ...USD, name: 'unit_price_usd', nullable: true })
  unitPriceUsd!: string | null;

  /** Lower is drawn first. */
  @Column({ type: 'integer' })
  priority!: number;

  @Column({ ...TIMESTAMP, name: 'starts_at', nullable: true })
  startsAt!: Date | null;

  @Column({ ...TIMESTAMP, name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column({ type: 'varchar', length: 128, array: true, name: 'job_types', nullable: true })
  jobTypes!: string[] | null;

  @Column({ type: 'varchar', length: 255, name: 'external_reference', nullable: true })
  externalReference!: string | null;

  @Column({ type: 'varchar', length: 16, name: 'payment_type', nullable: true })
  paymentType!: PaymentType | null;

  @Column({ ...USD, name: 'payment_amount_usd', nullable: true })
  paymentAmountUsd!: string | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;
}
