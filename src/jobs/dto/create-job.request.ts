import { IsOptional } from 'class-validator';
import { ApiMetadata } from '../../common/openapi.js';
import { IsMetadata } from '../../common/validators.js';
import { IsJobType, IsJobUser, IsTeamOfJob } from './job-fields.js';

export class CreateJobRequest {
  @IsTeamOfJob()
  team_id?: string | null;

  @IsJobType()
  job_type!: string;

  @IsJobUser()
  user_id?: string | null;

  @ApiMetadata({ document_id: 'doc_12345' })
  @IsOptional()
  @IsMetadata()
  metadata?: object | null;
}
