import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import { MAX_GRANT_CREDITS } from '../../credits/credits.types.js';
import { COST_VISIBILITIES, type CostVisibility } from '../teams.types.js';

export const MAX_MODEL_GROUPS_PER_TEAM = 100;

export class CreateTeamRequest {
  @ApiIdentifier({ example: 'acme-corp' })
  @IsIdentifier()
  organization_id!: string;

  @ApiIdentifier({ example: 'engineering-team' })
  @IsIdentifier()
  team_id!: string;

  @ApiPropertyOptional({ type: String, maxLength: 256, nullable: true, example: 'Engineering Team' })
  @IsOptional()
  @IsStoredText(256)
  team_alias?: string | null;

  @ApiProperty({
    type: [String],
    maxItems: MAX_MODEL_GROUPS_PER_TEAM,
    description: 'Names of existing groups; the first serves calls that name none',
    example: ['ChatFast', 'ChatAdvanced'],
  })
  @ArrayUnique()
  @IsIdentifier({ each: true })
  @ArrayMaxSize(MAX_MODEL_GROUPS_PER_TEAM)
  @IsArray()
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

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'Any JSON object up to 16 KiB',
    example: { tier: 'enterprise' },
  })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
