import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsQueryInteger } from '../../common/validators.js';
import { insufficientCredits } from '../credits.errors.js';
import type { CreditBalance } from '../credits.types.js';

/** As many digits as IsQueryInteger reads. */
const MAX_CREDITS_NEEDED = 999_999_999;

export class CreditCheckQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_CREDITS_NEEDED,
    default: 1,
    description: 'Credits that the next job would need',
    example: 1,
  })
  @IsOptional()
  @IsQueryInteger(1, MAX_CREDITS_NEEDED)
  credits_needed: number = 1;
}

export class CreditCheckResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: Boolean, description: 'Whether so many are available right now', example: true })
  has_credits!: boolean;

  @ApiProperty({ type: 'integer', description: 'available + held', example: 99 })
  credits_remaining!: number;

  @ApiProperty({ type: 'integer', description: 'Credits that a new job can draw on', example: 97 })
  credits_available!: number;

  @ApiProperty({ type: 'integer', example: 1 })
  credits_needed!: number;

  @ApiPropertyOptional({
    type: String,
    description: 'What a job would be refused with; left out when there are enough',
  })
  error?: string;
}

export function toCreditCheckResponse(balance: CreditBalance, needed: number): CreditCheckResponse {
  const hasCredits = balance.available >= needed;
  return {
    team_id: balance.teamId,
    has_credits: hasCredits,
    credits_remaining: balance.remaining,
    credits_available: balance.available,
    credits_needed: needed,
    ...(!hasCredits && { error: insufficientCredits(needed, balance.available).message }),
  };
}
