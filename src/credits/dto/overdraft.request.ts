import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { MAX_GRANT_CREDITS } from '../credits.types.js';

export class OverdraftRequest {
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: MAX_GRANT_CREDITS,
    description: 'How far the available credits may go below zero',
    example: 50,
  })
  @Max(MAX_GRANT_CREDITS)
  @Min(0)
  @IsInt()
  overdraft_limit!: number;
}
