import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsStoredText } from '../../common/validators.js';
import { MAX_GRANT_CREDITS } from '../credits.types.js';

export class AddCreditsRequest {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_GRANT_CREDITS, example: 100 })
  @Max(MAX_GRANT_CREDITS)
  @Min(1)
  @IsInt()
  credits!: number;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 512,
    example: 'Top-up, invoice 4711',
  })
  @IsOptional()
  @IsStoredText(512)
  reason?: string | null;
}
