import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BIGINT, IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import { REFILL_PERIODS, type RefillPeriod } from '../refills.types.js';

/** How a team's credits are refilled, and what has come of it; no row where nothing was ever said. */
@Entity('credit_refills')
@Index('credit_refills_enabled_idx', ['teamId'], { where: 'is_enabled' })
@Check('credit_refills_amounts_check', `refill_amount > 0 AND refill_threshold > 0`)
@Check('credit_refills_ceiling_check', `monthly_ceiling >= refill_amount`)
@Check(
  'credit_refills_enabled_check',
  `NOT is_enabled OR refill_amount IS NOT NULL AND (refill_period IS NOT NULL OR refill_threshold IS NOT NULL)`,
)
@Check('credit_refills_counts_check', `threshold_refills >= 0 AND month_credits >= 0`)
@Check(
  'credit_refills_period_check',
  `refill_period IN (${REFILL_PERIODS.map((period) => `'${period}'`).join(', ')})`,
)
export class CreditRefill {
  @ForeignKey('Team', { name: 'credit_refills_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'credit_refills_pkey' })
  teamId!: string;

  @Column({ type: 'boolean', name: 'is_enabled' })
  isEnabled!: boolean;

  @Column({ ...BIGINT, name: 'refill_amount', nullable: true })
  refillAmount!: number | null;

  @Column({ type: 'varchar', length: 16, name: 'refill_period', nullable: true })
  refillPeriod!: RefillPeriod | null;

  @Column({ ...BIGINT, name: 'refill_threshold', nullable: true })
  refillThreshold!: number | null;

  @Column({ ...BIGINT, name: 'monthly_ceiling', nullable: true })
  monthlyCeiling!: number | null;

  @Column({ type: 'varchar', length: 64, name: 'period_reference', nullable: true })
  periodReference!: string | null;

  @Column({ ...BIGINT, name: 'threshold_refills' })
  thresholdRefills!: number;

  @Column({ type: 'varchar', length: 7, nullable: true })
  month!: string | null;

  @Column({ ...BIGINT, name: 'month_credits' })
  monthCredits!: number;

  @Column({ ...TIMESTAMP, name: 'last_refill_at', nullable: true })
  lastRefillAt!: Date | null;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
