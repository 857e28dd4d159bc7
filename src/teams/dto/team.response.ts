import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { BUDGET_MODES, type BudgetMode } from '../../budgets/budgets.types.js';
import type { Principal } from '../../common/access.js';
import { toJsonNumber } from '../../common/money.js';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import { CreditBalanceResponse, toCreditBalanceResponse } from '../../credits/credit-balance.response.js';
import type { CreatedTeam, TeamOverview } from '../teams.service.js';
import {
  COST_VISIBILITIES,
  type CostVisibility,
  seesRates,
  TEAM_STATUSES,
  type TeamStatus,
} from '../teams.types.js';

export class TeamResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Engineering Team' })
  team_alias!: string | null;

  @ApiProperty({ type: String, enum: TEAM_STATUSES, example: 'active' })
  status!: TeamStatus;

  @ApiProperty({
    type: [String],
    description: 'The first serves calls that name none',
    example: ['ChatFast'],
  })
  model_groups!: string[];

  @ApiProperty({ type: String, enum: COST_VISIBILITIES, example: 'summary' })
  cost_visibility!: CostVisibility;

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

  @ApiProperty({ type: 'integer', example: 100 })
  credits_allocated!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  credits_used!: number;

  @ApiProperty({ type: 'integer', example: 100 })
  credits_remaining!: number;

  @ApiProperty({
    type: CreditBalanceResponse,
    description: 'The same, in the shape that adding credits answers',
  })
  credits!: CreditBalanceResponse;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { tier: 'enterprise' } })
  metadata!: object;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export class CreatedTeamResponse extends TeamResponse {
  @ApiProperty({
    type: String,
    description: 'The key of the team, shown this once',
    example: 'sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg4pQ2vB',
  })
  virtual_key!: string;
}

export class TeamStatusResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, enum: ['active', 'suspended'], example: 'suspended' })
  status!: 'active' | 'suspended';

  @ApiProperty({ type: String, example: 'Team engineering-team is suspended.' })
  message!: string;
}

export class TeamListResponse extends PageResponse {
  @ApiProperty({ type: [TeamResponse], description: 'Newest first' })
  data!: TeamResponse[];
}

export class TeamModelGroupsResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: [String], example: ['ChatFast', 'ChatAdvanced'] })
  model_groups!: string[];

  @ApiProperty({ type: String, example: 'Team engineering-team has 2 model group(s).' })
  message!: string;
}

export function toCreatedTeamResponse({ virtualKey, ...overview }: CreatedTeam): CreatedTeamResponse {
  return { ...toTeamResponse(overview), virtual_key: virtualKey };
}

export function toTeamListResponse(page: Page<TeamOverview>): TeamListResponse {
  return { data: page.data.map((team) => toTeamResponse(team)), ...toPageResponse(page) };
}

/** @param role of whoever asks */
export function toTeamResponse(
  { team, modelGroups, balance, budget }: TeamOverview,
  role: Principal['role'] = 'admin',
): TeamResponse {
  return {
    team_id: team.teamId,
    organization_id: team.organizationId,
    team_alias: team.teamAlias,
    status: team.status,
    model_groups: [...modelGroups],
    cost_visibility: team.costVisibility,
    budget_mode: budget.budgetMode,
    ...(seesRates(team, role) && {
      credits_per_dollar: toJsonNumber(budget.creditsPerDollar),
    }),
    tokens_per_credit: budget.tokensPerCredit,
    credits_allocated: balance.allocated,
    credits_used: balance.used,
    credits_remaining: balance.remaining,
    credits: toCreditBalanceResponse(balance),
    metadata: team.metadata,
    created_at: team.createdAt.toISOString(),
    updated_at: team.updatedAt.toISOString(),
  };
}
