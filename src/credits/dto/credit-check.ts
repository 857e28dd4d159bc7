import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsQueryInteger, IsStoredText } from '../../common/validators.js';
import { insufficientCredits } from '../credits.errors.js';
import type { Spendable } from '../credits.service.js';

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

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 128,
    description:
      'Of the next job: some credits pay for certain types only. Those do not count when it is left out',
    example: 'document_analysis',
  })
  @IsOptional()
  @IsStoredText(128)
  job_type?: string;
}

export class CreditCheckResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: Boolean, description: 'Whether so many are available right now', example: true })
  has_credits!: boolean;

  @ApiProperty({ type: 'integer', description: 'available + held', example: 99 })
  credits_remaining!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Credits that such a job can draw on, with the overdraft',
    example: 97,
  })
  credits_available!: number;

  @ApiProperty({ type: 'integer', example: 1 })
  credits_needed!: number;

  @ApiPropertyOptional({
    type: String,
    description: 'What a job would be refused with; left out when there are enough',
  })
  error?: string;
}

export function toCreditCheckResponse(spendable: Spendable, needed: number): CreditCheckResponse {
  // As creating a job decides it.
  const hasCredits = spendable.shortfall === 0 && spendable.credits >= needed;
  return {
    team_id: spendable.teamId,
    has_credits: hasCredits,
    credits_remaining: spendable.remaining,
    credits_available: spendable.credits,
    credits_needed: needed,
    ...(!hasCredits && {
      error: insufficientCredits(needed + spendable.shortfall, spendable.credits).message,
    }),
  };
}
