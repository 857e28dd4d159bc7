import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { PageQuery } from '../../common/page.query.js';
import { IsIdentifier, LowerCase } from '../../common/validators.js';
import { TEAM_STATUSES, type TeamStatus } from '../teams.types.js';

export class ListTeamsQuery extends PageQuery {
  @ApiIdentifier({ required: false, example: 'acme-corp' })
  @IsOptional()
  @IsIdentifier()
  organization_id?: string;

  @ApiPropertyOptional({
    type: String,
    enum: TEAM_STATUSES,
    description: 'All but the deleted ones when left out',
    example: 'active',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(TEAM_STATUSES)
  status?: TeamStatus;
}
