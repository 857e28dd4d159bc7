import { ApiProperty } from '@nestjs/swagger';
import { toJsonNumber } from '../../common/money.js';
import { BUDGET_MODES, type BudgetMode, type TeamBudget } from '../budgets.types.js';

export class BudgetTermsResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, enum: BUDGET_MODES, example: 'consumption_usd' })
  budget_mode!: BudgetMode;

  @ApiProperty({ type: Number, description: 'Of `consumption_usd`', example: 10 })
  credits_per_dollar!: number;

  @ApiProperty({ type: 'integer', description: 'Of `consumption_tokens`', example: 10000 })
  tokens_per_credit!: number;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export function toBudgetTermsResponse(budget: TeamBudget): BudgetTermsResponse {
  return {
    team_id: budget.teamId,
    budget_mode: budget.budgetMode,
    credits_per_dollar: toJsonNumber(budget.creditsPerDollar),
    tokens_per_credit: budget.tokensPerCredit,
    updated_at: budget.updatedAt.toISOString(),
  };
}
