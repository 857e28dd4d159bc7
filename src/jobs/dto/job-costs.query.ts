import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiCursor } from '../../common/page.query.js';
import { IsQueryInteger } from '../../common/validators.js';

export const MAX_BREAKDOWN_SIZE = 1000;

export class JobCostsQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_BREAKDOWN_SIZE,
    default: MAX_BREAKDOWN_SIZE,
    description: 'Calls in the breakdown, oldest first',
  })
  @IsOptional()
  @IsQueryInteger(1, MAX_BREAKDOWN_SIZE)
  limit: number = MAX_BREAKDOWN_SIZE;

  @ApiCursor()
  cursor?: string;
}
