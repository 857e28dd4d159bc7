import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { LowerCase } from '../../common/validators.js';
import { MAX_GRANT_CREDITS } from '../../credits/credits.types.js';
import { ceilingBelowAmount, refillAmountMissing, refillConditionMissing } from '../refills.errors.js';
import { REFILL_PERIODS, type RefillPeriod, type RefillTerms } from '../refills.types.js';

export class AutoRefillRequest {
  @ApiProperty({ type: Boolean, example: true })
  @IsBoolean()
  enabled!: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_GRANT_CREDITS,
    nullable: true,
    description: 'Credits of one refill; needed where refills are enabled',
    example: 100,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  refill_amount?: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: REFILL_PERIODS,
    nullable: true,
    description: 'One refill in each month, ISO week or day of UTC, the current one included',
    example: 'monthly',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(REFILL_PERIODS)
  refill_period?: RefillPeriod | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_GRANT_CREDITS,
    nullable: true,
    description: 'A refill whenever fewer credits than this are available',
    example: 20,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  refill_threshold?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_GRANT_CREDITS,
    nullable: true,
    description: 'Most credits that refills grant in a UTC month; a refill that would exceed it waits',
    example: 500,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  monthly_ceiling?: number | null;
}

/** @throws DomainError validation_failed for terms by which nothing could ever be refilled */
export function toRefillTerms(request: AutoRefillRequest): RefillTerms {
  const terms: RefillTerms = {
    isEnabled: request.enabled,
    refillAmount: request.refill_amount ?? null,
    refillPeriod: request.refill_period ?? null,
    refillThreshold: request.refill_threshold ?? null,
    monthlyCeiling: request.monthly_ceiling ?? null,
  };
  if (terms.isEnabled && terms.refillAmount === null) throw refillAmountMissing();
  if (terms.isEnabled && terms.refillPeriod === null && terms.refillThreshold === null) {
    throw refillConditionMissing();
  }
  if ((terms.monthlyCeiling ?? Infinity) < (terms.refillAmount ?? 0)) throw ceilingBelowAmount();
  return terms;
}
