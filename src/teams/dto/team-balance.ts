import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { BUDGET_MODES, type BudgetMode } from '../../budgets/budgets.types.js';
import type { Principal } from '../../common/access.js';
import { toJsonNumber } from '../../common/money.js';
import { ApiInstant } from '../../common/openapi.js';
import { IsInstant } from '../../common/validators.js';
import { CreditBalanceResponse, toCreditBalanceResponse } from '../../credits/credit-balance.response.js';
import { REFILL_PERIODS, type RefillPeriod } from '../../refills/refills.types.js';
import type { TeamBalance } from '../team-balance.service.js';
import { seesRates, TEAM_STATUSES, type TeamStatus } from '../teams.types.js';

export class TeamBalanceQuery {
  @ApiInstant('the balance as it was then', '2024-11-01T00:00:00.000Z')
  @IsOptional()
  @IsInstant()
  as_of?: string;
}

export class TeamBalanceResponse extends CreditBalanceResponse {
  @ApiProperty({ type: 'integer', description: 'Credits that ran out before they were used', example: 0 })
  credits_expired!: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Due for jobs and not covered yet: no job begins before it is. Left out with `as_of`',
    example: 0,
  })
  credits_shortfall?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'How far `credits_available` may go below zero. Left out with `as_of`',
    example: 0,
  })
  overdraft_limit?: number;

  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: String, enum: TEAM_STATUSES, description: 'Of the team', example: 'active' })
  status!: TeamStatus;

  @ApiProperty({ type: String, enum: BUDGET_MODES, description: 'What a credit buys', example: 'job_based' })
  budget_mode!: BudgetMode;

  @ApiPropertyOptional({
    type: Number,
    description: 'Of `consumption_usd`; left out for a team key where costs are hidden',
    example: 10,
  })
  credits_per_dollar?: number;

  @ApiProperty({ type: 'integer', description: 'Of `consumption_tokens`', example: 10000 })
  tokens_per_credit!: number;

  @ApiProperty({ type: Boolean, description: 'Whether credits are refilled by themselves', example: false })
  auto_refill!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, example: 100 })
  refill_amount!: number | null;

  @ApiProperty({ type: String, enum: REFILL_PERIODS, nullable: true, example: 'monthly' })
  refill_period!: RefillPeriod | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.000Z' })
  last_refill_at!: string | null;
}

/** @param role of whoever asks */
export function toTeamBalanceResponse(
  { team, balance, debts, budget, refills }: TeamBalance,
  role: Principal['role'],
): TeamBalanceResponse {
  return {
    ...toCreditBalanceResponse(balance),
    credits_expired: balance.expired,
    ...(debts !== null && { credits_shortfall: debts.shortfall, overdraft_limit: debts.overdraftLimit }),
    organization_id: team.organizationId,
    status: team.status,
    budget_mode: budget.budgetMode,
    ...(seesRates(team, role) && { credits_per_dollar: toJsonNumber(budget.creditsPerDollar) }),
    tokens_per_credit: budget.tokensPerCredit,
    auto_refill: refills.isEnabled,
    refill_amount: refills.refillAmount,
    refill_period: refills.refillPeriod,
    last_refill_at: refills.lastRefillAt?.toISOString() ?? null,
  };
}
