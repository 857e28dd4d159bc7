import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { LowerCase } from '../../common/validators.js';

const FORMATS = ['json', 'csv'] as const;

export class CreditStatementQuery {
  @ApiPropertyOptional({
    type: String,
    pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$',
    description: 'A UTC month that is not in the future; the current one when left out',
    example: '2026-10',
  })
  @IsOptional()
  @IsString()
  period?: string;

  @ApiPropertyOptional({ type: String, enum: FORMATS, default: 'json', example: 'csv' })
  @IsOptional()
  @LowerCase()
  @IsIn(FORMATS)
  format: (typeof FORMATS)[number] = 'json';
}
