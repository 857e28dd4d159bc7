import { ApiProperty } from '@nestjs/swagger';
import { monthOf } from '../../common/time.js';
import { creditsOfMonth } from '../refill-rules.js';
import { REFILL_PERIODS, type RefillPeriod, type TeamRefills } from '../refills.types.js';

export class AutoRefillResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: Boolean, example: true })
  enabled!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, example: 100 })
  refill_amount!: number | null;

  @ApiProperty({ type: String, enum: REFILL_PERIODS, nullable: true, example: 'monthly' })
  refill_period!: RefillPeriod | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 20 })
  refill_threshold!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 500 })
  monthly_ceiling!: number | null;

  @ApiProperty({
    type: 'integer',
    description: 'What refills have granted in the current UTC month',
    example: 100,
  })
  refilled_this_month!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.000Z' })
  last_refill_at!: string | null;
}

export function toAutoRefillResponse(refills: TeamRefills, now: Date): AutoRefillResponse {
  return {
    team_id: refills.teamId,
    enabled: refills.isEnabled,
    refill_amount: refills.refillAmount,
    refill_period: refills.refillPeriod,
    refill_threshold: refills.refillThreshold,
    monthly_ceiling: refills.monthlyCeiling,
    refilled_this_month: creditsOfMonth(refills, monthOf(now)),
    last_refill_at: refills.lastRefillAt?.toISOString() ?? null,
  };
}
