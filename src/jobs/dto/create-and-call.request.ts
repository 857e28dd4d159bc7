import { IsOptional } from 'class-validator';
import { ApiMetadata } from '../../common/openapi.js';
import { IsMetadata } from '../../common/validators.js';
import type { NewJob } from '../jobs.service.js';
import { IsJobType, IsJobUser, IsTeamOfJob } from './job-fields.js';
import { LlmCallRequest } from './llm-call.request.js';

/** A call and the job that is made for it. */
export class CreateAndCallRequest extends LlmCallRequest {
  @IsTeamOfJob()
  team_id?: string | null;

  @IsJobType()
  job_type!: string;

  @IsJobUser()
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
