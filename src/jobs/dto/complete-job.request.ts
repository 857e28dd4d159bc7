import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ApiMetadata } from '../../common/openapi.js';
import { IsMetadata, IsStoredText, LowerCase } from '../../common/validators.js';
import { COMPLETION_STATUSES, type CompletionStatus } from '../jobs.types.js';

/** What may be said of a job that ends, whatever its end is. */
export class CancelJobRequest {
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 8192, nullable: true, example: null })
  @IsOptional()
  @IsStoredText(8192)
  error_message?: string | null;

  @ApiMetadata(
    { output_file: 'summary_12345.pdf' },
    "Merged into the job's metadata, key by key; 16 KiB in all",
  )
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}

export class CompleteJobRequest extends CancelJobRequest {
  @ApiProperty({ type: String, enum: COMPLETION_STATUSES, description: 'In any case', example: 'completed' })
  @LowerCase()
  @IsIn(COMPLETION_STATUSES)
  status!: CompletionStatus;
}
