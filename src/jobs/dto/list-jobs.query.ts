import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../../common/page.query.js';
import { IsInstant, IsStoredText, LowerCase } from '../../common/validators.js';
import { parseInstant } from '../../common/time.js';
import { JOB_STATUSES, type JobFilter, type JobStatus } from '../jobs.types.js';

export class ListJobsQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, enum: JOB_STATUSES, example: 'completed' })
  @IsOptional()
  @LowerCase()
  @IsIn(JOB_STATUSES)
  status?: JobStatus;

  @ApiPropertyOptional({ type: String, maxLength: 128, example: 'document_analysis' })
  @IsOptional()
  @IsStoredText(128)
  job_type?: string;

  @ApiPropertyOptional({ type: String, maxLength: 256, example: 'john@acme.com' })
  @IsOptional()
  @IsStoredText(256)
  user_id?: string;

  @ApiPropertyOptional({
    type: String,
    description: 'ISO 8601 instant, or a day for its start in UTC; inclusive',
    example: '2026-11-01T00:00:00Z',
  })
  @IsOptional()
  @IsInstant()
  created_after?: string;

  @ApiPropertyOptional({
    type: String,
    description: 'ISO 8601 instant, or a day for its start in UTC; exclusive',
    example: '2026-12-01T00:00:00Z',
  })
  @IsOptional()
  @IsInstant()
  created_before?: string;
}

export function toJobFilter(query: ListJobsQuery): JobFilter {
  return {
    status: query.status ?? null,
    jobType: query.job_type ?? null,
    userId: query.user_id ?? null,
    createdAfter: query.created_after === undefined ? null : parseInstant(query.created_after),
    createdBefore: query.created_before === undefined ? null : parseInstant(query.created_before),
  };
}
