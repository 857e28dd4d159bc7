import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { IsMetadata, IsStoredText, LowerCase } from '../../common/validators.js';
import { COMPLETION_STATUSES, type CompletionStatus } from '../jobs.types.js';

export class CompleteJobRequest {
  @ApiProperty({ type: String, enum: COMPLETION_STATUSES, description: 'In any case', example: 'completed' })
  @LowerCase()
  @IsIn(COMPLETION_STATUSES)
  status!: CompletionStatus;

  @ApiPropertyOptional({ type: String, maxLength: 8192, nullable: true, example: null })
  @IsOptional()
  @IsStoredText(8192)
  error_message?: string | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: "Merged into the job's metadata, key by key; 16 KiB in all",
    example: { output_file: 'summary_12345.pdf' },
  })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
