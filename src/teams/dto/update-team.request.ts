import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ApiMetadata } from '../../common/openapi.js';
import { IsMetadata, IsStoredText } from '../../common/validators.js';
import { COST_VISIBILITIES, type CostVisibility } from '../teams.types.js';

export class UpdateTeamRequest {
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

  @ApiPropertyOptional({
    type: String,
    enum: COST_VISIBILITIES,
    nullable: true,
    description: 'What the team sees of costs: their sum (`summary`) or nothing',
    example: 'none',
  })
  @IsOptional()
  @IsIn(COST_VISIBILITIES)
  cost_visibility?: CostVisibility | null;

  @ApiMetadata({ tier: 'enterprise' })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
