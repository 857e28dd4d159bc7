import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsQueryInteger, IsStoredText } from '../../common/validators.js';

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

  @ApiPropertyOptional({ type: String, description: 'next_cursor of the page before' })
  @IsOptional()
  @IsStoredText(64)
  cursor?: string;
}
