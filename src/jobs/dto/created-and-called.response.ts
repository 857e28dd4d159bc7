import { ApiProperty } from '@nestjs/swagger';
import type { CostVisibility } from '../../teams/teams.types.js';
import type { MadeChat } from '../job-calls.types.js';
import { CompletionCostsResponse, toCompletedJobResponse } from './completed-job.response.js';
import { LlmCallResponse, toLlmCallResponse } from './llm-call.response.js';
import { END_STATUSES, type JobStatus } from '../jobs.types.js';

/** A call, and the end of the job that was made for it. */
export class CreatedAndCalledResponse extends LlmCallResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({ type: String, enum: END_STATUSES, example: 'completed' })
  status!: JobStatus;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T09:30:00.000Z' })
  completed_at!: string | null;

  @ApiProperty({ type: CompletionCostsResponse })
  costs!: CompletionCostsResponse;
}

export function toCreatedAndCalledResponse(
  call: MadeChat,
  visibility: CostVisibility,
): CreatedAndCalledResponse {
  if (call.completion === null) throw new Error('A job that is made for a call ends with it.');
  return { ...toCompletedJobResponse(call.completion, visibility), ...toLlmCallResponse(call) };
}
