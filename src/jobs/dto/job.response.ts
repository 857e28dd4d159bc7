import { ApiProperty } from '@nestjs/swagger';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import {
  CHARGE_RULES,
  type ChargeRule,
  JOB_STATUSES,
  type JobRecord,
  type JobStatus,
} from '../jobs.types.js';

export class JobResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, nullable: true, example: 'john@acme.com' })
  user_id!: string | null;

  @ApiProperty({ type: String, example: 'document_analysis' })
  job_type!: string;

  @ApiProperty({ type: String, enum: JOB_STATUSES, example: 'pending' })
  status!: JobStatus;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { document_id: 'doc_12345' } })
  metadata!: object;

  @ApiProperty({ type: String, nullable: true, example: null })
  error_message!: string | null;

  @ApiProperty({ type: 'integer', description: 'Credits set aside; 0 once the job has ended', example: 1 })
  credits_held!: number;

  @ApiProperty({ type: Boolean, description: 'Whether the job was charged', example: false })
  credit_applied!: boolean;

  @ApiProperty({ type: 'integer', example: 0 })
  credits_charged!: number;

  @ApiProperty({ type: 'integer', description: 'Due, and not there when it was charged', example: 0 })
  credits_shortfall!: number;

  @ApiProperty({
    type: String,
    enum: [...CHARGE_RULES, null],
    nullable: true,
    description: 'What decided whether it was charged; null while it is open',
    example: null,
  })
  charge_rule!: ChargeRule | null;

  @ApiProperty({
    type: [String],
    description: 'Groups that its ended calls went to, in the order of their first one',
    example: ['ChatFast'],
  })
  model_groups_used!: string[];

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  started_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  completed_at!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When it expires if nothing happens in it; null once it has ended',
    example: '2026-11-25T09:30:00.000Z',
  })
  expires_at!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export class JobListResponse extends PageResponse {
  @ApiProperty({ type: [JobResponse], description: 'Newest first' })
  data!: JobResponse[];
}

export class JobMetadataResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'All of it, after the merge',
    example: { document_id: 'doc_12345', invoice: 'inv_4711' },
  })
  metadata!: object;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export function toJobResponse(job: JobRecord): JobResponse {
  return {
    job_id: job.jobId,
    team_id: job.teamId,
    user_id: job.userId,
    job_type: job.jobType,
    status: job.status,
    metadata: job.metadata,
    error_message: job.errorMessage,
    credits_held: job.completedAt === null ? job.creditsHeld : 0,
    credit_applied: job.creditApplied,
    credits_charged: job.creditsCharged,
    credits_shortfall: job.creditsShortfall,
    charge_rule: job.chargeRule,
    model_groups_used: [...job.modelGroupsUsed],
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.completedAt?.toISOString() ?? null,
    expires_at:
      job.completedAt === null ? new Date(job.updatedAt.getTime() + job.timeToLiveMs).toISOString() : null,
    updated_at: job.updatedAt.toISOString(),
  };
}

export function toJobListResponse(page: Page<JobRecord>): JobListResponse {
  return { data: page.data.map(toJobResponse), ...toPageResponse(page) };
}
