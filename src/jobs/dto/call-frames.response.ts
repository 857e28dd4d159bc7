import { ApiPropertyOptional } from '@nestjs/swagger';
import { ChatChunkResponse } from '../../chat/chat-chunk.response.js';
import { OpenAiErrorResponse } from '../../common/openai-error.response.js';
import { CompletedJobResponse } from './completed-job.response.js';

/** A chunk of the stream of a call; the last one of a job that ends with its call tells of that, too. */
export class CallChunkResponse extends ChatChunkResponse {
  @ApiPropertyOptional({
    type: String,
    description: 'In the last chunk: why the answer does not match the JSON schema of the request',
    example: '/city: type',
  })
  schema_miss?: string;

  @ApiPropertyOptional({
    type: CompletedJobResponse,
    description: 'In the last chunk, where the job ends with the call: its end',
  })
  job?: CompletedJobResponse;
}

/** What stands in the frames of a stream of chunks: these, or at its end an error. */
export const CALL_FRAMES = [CallChunkResponse, OpenAiErrorResponse] as const;
