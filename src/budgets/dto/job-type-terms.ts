import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import { allowanceNeedsFairOutcome } from '../budgets.errors.js';
import {
  FAIR_OUTCOMES,
  type FairOutcome,
  type JobTypeTerms,
  type NewJobTypeTerms,
} from '../budgets.types.js';
import { FairOutcomeRequest } from './fair-outcome.js';

const MAX_CREDITS = 1_000_000_000_000;
const MIN_TIME_TO_LIVE_MS = 1_000;
const MAX_TIME_TO_LIVE_MS = 31_536_000_000;

export class JobTypeTermsRequest extends FairOutcomeRequest {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_CREDITS,
    nullable: true,
    description: 'Of `job_based`: what a job costs; 1 when left out',
    example: 2,
  })
  @IsOptional()
  @Max(MAX_CREDITS)
  @Min(1)
  @IsInt()
  credits_per_job?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_CREDITS,
    nullable: true,
    description: 'Of the consumption modes: what is set aside for a job; 1 when left out',
    example: 5,
  })
  @IsOptional()
  @Max(MAX_CREDITS)
  @Min(1)
  @IsInt()
  hold_credits?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: MIN_TIME_TO_LIVE_MS,
    maximum: MAX_TIME_TO_LIVE_MS,
    nullable: true,
    description: 'After so long without activity a job expires; as the service is set when left out',
    example: 3600000,
  })
  @IsOptional()
  @Max(MAX_TIME_TO_LIVE_MS)
  @Min(MIN_TIME_TO_LIVE_MS)
  @IsInt()
  time_to_live_ms?: number | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description:
      'Whether another model may be tried when one may have worked and billed without an answer: after a timeout, ' +
      'or when the connection is lost after the request had left. As the service is set when left out',
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  retry_ambiguous?: boolean | null;
}

export class JobTypeTermsResponse {
  @ApiProperty({ type: String, example: 'document_analysis' })
  job_type!: string;

  @ApiProperty({ type: 'integer', nullable: true, example: 2 })
  credits_per_job!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 5 })
  hold_credits!: number | null;

  @ApiProperty({ type: String, enum: FAIR_OUTCOMES, nullable: true, example: 'allowance' })
  fair_outcome!: FairOutcome | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 3 })
  free_endings!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 30 })
  free_endings_window_days!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 3600000 })
  time_to_live_ms!: number | null;

  @ApiProperty({ type: Boolean, nullable: true, example: false })
  retry_ambiguous!: boolean | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export class JobTypeTermsListResponse extends PageResponse {
  @ApiProperty({ type: [JobTypeTermsResponse], description: 'By name' })
  data!: JobTypeTermsResponse[];
}

export class DeletedJobTypeTermsResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, example: 'document_analysis' })
  job_type!: string;

  @ApiProperty({ type: String, enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';

  @ApiProperty({
    type: String,
    example: 'Jobs of the type document_analysis are as for the team from now on.',
  })
  message!: string;
}

/** @throws DomainError validation_failed for an allowance without its rule, which would never be looked at */
export function toJobTypeTerms(request: JobTypeTermsRequest): NewJobTypeTerms {
  if (request.fair_outcome == null) {
    for (const field of ['free_endings', 'free_endings_window_days'] as const) {
      if (request[field] != null) throw allowanceNeedsFairOutcome(field);
    }
  }
  return {
    creditsPerJob: request.credits_per_job ?? null,
    holdCredits: request.hold_credits ?? null,
    fairOutcome: request.fair_outcome ?? null,
    freeEndings: request.free_endings ?? null,
    freeEndingsWindowDays: request.free_endings_window_days ?? null,
    timeToLiveMs: request.time_to_live_ms ?? null,
    mayRetryAmbiguous: request.retry_ambiguous ?? null,
  };
}

export function toJobTypeTermsResponse(terms: JobTypeTerms): JobTypeTermsResponse {
  return {
    job_type: terms.jobType,
    credits_per_job: terms.creditsPerJob,
    hold_credits: terms.holdCredits,
    fair_outcome: terms.fairOutcome,
    free_endings: terms.freeEndings,
    free_endings_window_days: terms.freeEndingsWindowDays,
    time_to_live_ms: terms.timeToLiveMs,
    retry_ambiguous: terms.mayRetryAmbiguous,
    updated_at: terms.updatedAt.toISOString(),
  };
}

export function toJobTypeTermsListResponse(page: Page<JobTypeTerms>): JobTypeTermsListResponse {
  return { data: page.data.map(toJobTypeTermsResponse), ...toPageResponse(page) };
}
