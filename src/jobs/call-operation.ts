import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { CALL_HEADERS } from '../common/idempotency.js';
import { OpenAiErrorResponse } from '../common/openai-error.response.js';

type Model = new () => object;

/** Describes what a route that makes calls answers, in whichever shape. */
export function ApiCallAnswer(answer: {
  /** Null for a route that only streams. */
  readonly json: Model | null;
  /** What stands behind `data:` in a frame: one of these. None for a route that never streams. */
  readonly frames: readonly Model[];
}): MethodDecorator {
  const { json, frames } = answer;
  const schemas = frames.map((frame) => ({ $ref: getSchemaPath(frame) }));
  const [first] = schemas;
  return applyDecorators(
    ApiExtraModels(...(json === null ? [] : [json]), ...frames, OpenAiErrorResponse),
    ApiResponse({
      status: 200,
      description: descriptionOf(answer),
      headers: HEADERS,
      content: {
        ...(json !== null && { 'application/json': { schema: { $ref: getSchemaPath(json) } } }),
        ...(first !== undefined && {
          'text/event-stream': { schema: schemas.length === 1 ? first : { anyOf: schemas } },
        }),
      },
    }),
  );
}

function descriptionOf({ json, frames }: Parameters<typeof ApiCallAnswer>[0]): string {
  if (frames.length === 0) return 'Done as asked';
  const kinds =
    json === null ? 'Server-sent events' : 'As JSON, or with `stream: true` as server-sent events';
  return frames.includes(OpenAiErrorResponse) ? `${kinds}${CHUNKS}` : kinds;
}

/** Not so the events of the responses API, which tell of errors and of their end by an event of its own. */
const CHUNKS =
  ': `data: ` and a chunk in each frame, an error in the last one if the answer breaks off, else `[DONE]`';

const ID = { type: 'string' as const, format: 'uuid' };
const CREDITS = { type: 'integer' as const };

const HEADERS = {
  [CALL_HEADERS.jobId]: { description: 'The job of the call', schema: ID },
  [CALL_HEADERS.callId]: { description: 'The call', schema: ID },
  [CALL_HEADERS.creditsHeld]: { description: 'Credits set aside for the job', schema: CREDITS },
  [CALL_HEADERS.creditsAvailable]: {
    description: "The team's credits after that; only of a job that was created for the call",
    schema: CREDITS,
  },
};
