import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';
import { type FieldError, validationFailed } from '../../common/domain-error.js';
import { IDENTIFIER_PATTERN } from '../../common/identifiers.js';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import { MAX_GRANT_CREDITS } from '../../credits/credits.types.js';
import type { NewTeam } from '../teams.service.js';
import { IsModelGroupNames, MODEL_GROUP_NAMES_SCHEMA } from './model-group-names.js';

export class CreateOrganizationRequest {
  @ApiIdentifier({ example: 'acme-corp' })
  @IsIdentifier()
  organization_id!: string;

  @ApiProperty({ type: String, minLength: 1, maxLength: 256, example: 'Acme Corporation' })
  @IsStoredText(256)
  name!: string;

  @ApiMetadata({ industry: 'technology' })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'Whether to create the team `<organization_id>_default` as well; `false` when left out',
    example: true,
  })
  @IsOptional()
  @IsBoolean()
  create_default_team?: boolean | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    description: 'The alias of the default team',
    example: 'Acme',
  })
  @IsOptional()
  @IsStoredText(256)
  default_team_name?: string | null;

  @ApiPropertyOptional({
    ...MODEL_GROUP_NAMES_SCHEMA,
    nullable: true,
    description: 'Names of existing groups for the default team; none when left out',
    example: ['ChatFast'],
  })
  @IsOptional()
  @IsModelGroupNames()
  default_team_model_groups?: string[] | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_GRANT_CREDITS,
    nullable: true,
    description: 'Credits of the default team to begin with; 0 when left out',
    example: 100,
  })
  @IsOptional()
  @Max(MAX_GRANT_CREDITS)
  @Min(0)
  @IsInt()
  default_team_credits?: number | null;
}

/** The id of the team that an organization may be created with. */
export function defaultTeamIdOf(organizationId: string): string {
  return `${organizationId}_default`;
}

/**
 * The default team that is asked for, or null.
 *
 * @throws DomainError validation_failed for fields of a team that is not asked for, and for an organization
 * whose name leaves no room for the team's
 */
export function toDefaultTeam(request: CreateOrganizationRequest): NewTeam | null {
  const teamId = defaultTeamIdOf(request.organization_id);
  if (request.create_default_team !== true) {
    const fields = ['default_team_name', 'default_team_model_groups', 'default_team_credits'] as const;
    const errors = fields.filter((field) => request[field] != null).map(needsDefaultTeam);
    if (errors.length > 0) throw validationFailed(errors);
    return null;
  }
  if (!IDENTIFIER_PATTERN.test(teamId)) {
    throw validationFailed([
      {
        field: 'organization_id',
        code: 'max_length',
        message: 'organization_id must be shorter than or equal to 120 characters with create_default_team',
      },
    ]);
  }
  return {
    organizationId: request.organization_id,
    teamId,
    teamAlias: request.default_team_name ?? null,
    modelGroups: request.default_team_model_groups ?? [],
    credits: request.default_team_credits ?? 0,
    costVisibility: 'summary',
    budget: {},
    metadata: {},
  };
}

function needsDefaultTeam(field: string): FieldError {
  return {
    field,
    code: 'needs_default_team',
    message: `${field} goes with create_default_team: true only`,
  };
}
