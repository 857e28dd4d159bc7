import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import { MAX_GRANT_CREDITS } from '../../credits/credits.types.js';
import { BudgetTermsRequest, toBudgetTerms } from '../../budgets/budget-terms.request.js';
import type { NewTeam } from '../teams.service.js';
import { COST_VISIBILITIES, type CostVisibility } from '../teams.types.js';
import { IsModelGroupNames, MODEL_GROUP_NAMES_SCHEMA } from './model-group-names.js';

export class CreateTeamRequest extends BudgetTermsRequest {
  @ApiIdentifier({ example: 'acme-corp' })
  @IsIdentifier()
  organization_id!: string;

  @ApiIdentifier({ example: 'engineering-team' })
  @IsIdentifier()
  team_id!: string;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    example: 'Engineering Team',
  })
  @IsOptional()
  @IsStoredText(256)
  team_alias?: string | null;

  @ApiProperty({
    ...MODEL_GROUP_NAMES_SCHEMA,
    description: 'Names of existing groups; the first serves calls that name none',
    example: ['ChatFast', 'ChatAdvanced'],
  })
  @IsModelGroupNames()
  model_groups!: string[];

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_GRANT_CREDITS,
    nullable: true,
    description: 'Credits to begin with; 0 when left out',
    example: 100,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(0)
  @IsInt()
  credits_allocated?: number | null;

  @ApiPropertyOptional({
    type: String,
    enum: COST_VISIBILITIES,
    nullable: true,
    description: 'What the team sees of costs: their sum (`summary`, the default) or nothing',
    example: 'summary',
  })
  @IsOptional()
  @IsIn(COST_VISIBILITIES)
  cost_visibility?: CostVisibility | null;

  @ApiMetadata({ tier: 'enterprise' })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}

export function toNewTeam(request: CreateTeamRequest): NewTeam {
  return {
    organizationId: request.organization_id,
    teamId: request.team_id,
    teamAlias: request.team_alias ?? null,
    modelGroups: request.model_groups,
    credits: request.credits_allocated ?? 0,
    costVisibility: request.cost_visibility ?? 'summary',
    budget: toBudgetTerms(request),
    metadata: request.metadata ?? {},
  };
}
