import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsDecimalNumber, LowerCase } from '../common/validators.js';
import { BUDGET_MODES, type BudgetMode, type BudgetTerms } from './budgets.types.js';

export const MIN_CREDITS_PER_DOLLAR = 0.000001;
export const MAX_CREDITS_PER_DOLLAR = 1_000_000;
export const MAX_TOKENS_PER_CREDIT = 1_000_000_000_000;

/** Rates at which consumption becomes credits. */
export class ConversionRatesRequest {
  @ApiPropertyOptional({
    type: Number,
    minimum: MIN_CREDITS_PER_DOLLAR,
    maximum: MAX_CREDITS_PER_DOLLAR,
    nullable: true,
    description: 'Of `consumption_usd`; at most 6 decimals, 10 by default',
    example: 10,
  })
  @IsOptional()
  @Max(MAX_CREDITS_PER_DOLLAR)
  @Min(MIN_CREDITS_PER_DOLLAR)
  @IsDecimalNumber(6)
  credits_per_dollar?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_TOKENS_PER_CREDIT,
    nullable: true,
    description: 'Of `consumption_tokens`; 10,000 by default',
    example: 10000,
  })
  @IsOptional()
  @Max(MAX_TOKENS_PER_CREDIT)
  @Min(1)
  @IsInt()
  tokens_per_credit?: number | null;
}

/** What may be said of a budget; creating a team takes it, too. */
export class BudgetTermsRequest extends ConversionRatesRequest {
  @ApiPropertyOptional({
    type: String,
    enum: BUDGET_MODES,
    nullable: true,
    description: 'What a credit buys: a job (the default), cost, or tokens',
    example: 'job_based',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(BUDGET_MODES)
  budget_mode?: BudgetMode | null;
}

/** What the request says; what it leaves out is left out. */
export function toBudgetTerms(request: BudgetTermsRequest): Partial<BudgetTerms> {
  return {
    ...(request.budget_mode != null && { budgetMode: request.budget_mode }),
    ...(request.credits_per_dollar != null && {
      creditsPerDollar: request.credits_per_dollar.toFixed(6),
    }),
    ...(request.tokens_per_credit != null && { tokensPerCredit: request.tokens_per_credit }),
  };
}
