import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ChatChunkResponse } from '../../chat/chat-chunk.response.js';
import { CALL_HEADERS } from '../../common/idempotency.js';
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

/** What a route that makes calls answers: JSON unless it only streams, frames unless it never does. */
export function ApiCall(options: {
  json: (new () => object) | null;
  frames: (new () => object) | null;
}): MethodDecorator {
  const { json, frames } = options;
  const models = [json, frames, OpenAiErrorResponse].filter((model) => model !== null);
  return applyDecorators(
    ApiExtraModels(...models),
    ApiResponse({
      status: 200,
      description:
        frames === null
          ? ''
          : 'As JSON, or as server-sent events: `data: ` and a chunk in each frame, an error in the last one if ' +
            'the answer breaks off, else `[DONE]`',
      headers: HEADERS,
      content: {
        ...(json !== null && { 'application/json': { schema: { $ref: getSchemaPath(json) } } }),
        ...(frames !== null && {
          'text/event-stream': {
            schema: {
              anyOf: [{ $ref: getSchemaPath(frames) }, { $ref: getSchemaPath(OpenAiErrorResponse) }],
            },
          },
        }),
      },
    }),
  );
}

const header = (description: string, schema: object): { description: string; schema: object } => ({
  description,
  schema,
});

const HEADERS = {
  [CALL_HEADERS.jobId]: header('The job of the call', { type: 'string', format: 'uuid' }),
  [CALL_HEADERS.callId]: header('The call', { type: 'string', format: 'uuid' }),
  [CALL_HEADERS.creditsHeld]: header('Credits set aside for the job', { type: 'integer' }),
  [CALL_HEADERS.creditsAvailable]: header(
    "The team's credits after that; only of a job that was created for the call",
    { type: 'integer' },
  ),
};
