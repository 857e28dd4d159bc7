import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ApiIdentifier, ApiInstant } from '../../common/openapi.js';
import { PageQuery } from '../../common/page.query.js';
import { IsIdentifier, IsInstant, IsStoredText, LowerCase } from '../../common/validators.js';
import { parseInstant } from '../../common/time.js';
import { JOB_STATUSES, type JobFilter, type JobStatus } from '../jobs.types.js';

export class ListJobsQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, enum: JOB_STATUSES, example: 'completed' })
  @IsOptional()
  @LowerCase()
  @IsIn(JOB_STATUSES)
  status?: JobStatus;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 128, example: 'document_analysis' })
  @IsOptional()
  @IsStoredText(128)
  job_type?: string;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 256, example: 'john@acme.com' })
  @IsOptional()
  @IsStoredText(256)
  user_id?: string;

  @ApiInstant('inclusive', '2026-11-01T00:00:00Z')
  @IsOptional()
  @IsInstant()
  created_after?: string;

  @ApiInstant('exclusive', '2026-12-01T00:00:00Z')
  @IsOptional()
  @IsInstant()
  created_before?: string;
}

export class ListAllJobsQuery extends ListJobsQuery {
  @ApiIdentifier({ required: false, example: 'engineering-team' })
  @IsOptional()
  @IsIdentifier()
  team_id?: string;
}

/** @param teamId null for the jobs of all teams */
export function toJobFilter(query: ListJobsQuery, teamId: string | null): JobFilter {
  return {
    teamId,
    status: query.status ?? null,
    jobType: query.job_type ?? null,
    userId: query.user_id ?? null,
    createdAfter: query.created_after === undefined ? null : parseInstant(query.created_after),
    createdBefore: query.created_before === undefined ? null : parseInstant(query.created_before),
  };
}
