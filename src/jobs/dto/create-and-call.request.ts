import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import type { NewJob } from '../jobs.service.js';
import { LlmCallRequest } from './llm-call.request.js';

/** A call and the job that is made for it. */
export class CreateAndCallRequest extends LlmCallRequest {
  @ApiIdentifier({
    required: false,
    nullable: true,
    description: 'Required with the admin key; with a team key it may be left out and must be its own',
    example: 'engineering-team',
  })
  @IsOptional()
  @IsIdentifier()
  team_id?: string | null;

  @ApiProperty({ type: String, minLength: 1, maxLength: 128, example: 'document_analysis' })
  @IsStoredText(128)
  job_type!: string;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    description: 'The user of your application that the job is for',
    example: 'john@acme.com',
  })
  @IsOptional()
  @IsStoredText(256)
  user_id?: string | null;

  @ApiMetadata({ document_id: 'doc_12345' }, 'Your own notes on the job, up to 16 KiB')
  @IsOptional()
  @IsMetadata()
  job_metadata?: object | null;
}

export function toNewJob(request: CreateAndCallRequest): NewJob {
  return {
    teamId: request.team_id ?? null,
    jobType: request.job_type,
    userId: request.user_id ?? null,
    metadata: request.job_metadata ?? {},
  };
}
