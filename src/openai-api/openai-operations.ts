import { applyDecorators, Get, HttpCode, Post } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ChatChunkResponse } from '../chat/chat-chunk.response.js';
import { otherTeam, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Team } from '../common/access.js';
import type { DomainError } from '../common/domain-error.js';
import { LeavesForProvider } from '../common/idempotency.js';
import { OpenAiErrorResponse } from '../common/openai-error.response.js';
import { ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { insufficientCredits } from '../credits/credits.errors.js';
import { ApiCallErrors } from '../jobs/call-errors.js';
import { ApiCallAnswer } from '../jobs/call-operation.js';
import { ApiJobId } from '../jobs/job-path.js';
import { jobNotFound, jobNotOpen } from '../jobs/jobs.errors.js';
import { modelGroupNotFound } from '../model-groups/model-groups.errors.js';
import { ChatCompletionsResponse } from './dto/chat-completions.response.js';
import { EmbeddingsResponse } from './dto/embeddings.response.js';
import { ModelResponse, ModelsResponse } from './dto/models.response.js';
import { ResponseEventResponse } from './dto/response-event.response.js';
import { ResponsesResponse } from './dto/responses.response.js';

/** Where the calls of a controller go: into the job of the path, or where headers say. */
export type Scope = 'job' | 'headers';

type Model = new () => object;

export const MODEL_PATH_PARAM = 'model';

const OWN_JOB =
  'Without `X-Job-Id` the call is a job of its own, charged when it has succeeded and, by default, free when it has failed.';
const TWICE = 'Sent twice without an `Idempotency-Key`, it spends twice.';

export function ChatCompletions(scope: Scope): MethodDecorator {
  return callOperation(scope, {
    path: 'chat/completions',
    summary: "OpenAI's chat completions",
    description: `The model is a model group. ${TWICE}`,
    json: ChatCompletionsResponse,
    frames: [ChatChunkResponse, OpenAiErrorResponse],
  });
}

export function Responses(scope: Scope): MethodDecorator {
  return callOperation(scope, {
    path: 'responses',
    summary: "OpenAI's responses, without anything stored",
    description: `The model is a model group. Nothing is stored, so the whole conversation is sent each time. ${TWICE}`,
    json: ResponsesResponse,
    frames: [ResponseEventResponse],
  });
}

export function Embeddings(scope: Scope): MethodDecorator {
  return callOperation(scope, {
    path: 'embeddings',
    summary: "OpenAI's embeddings",
    description: `The model is a model group whose models embed. ${TWICE}`,
    json: EmbeddingsResponse,
    frames: [],
  });
}

export function ListModels(scope: Scope): MethodDecorator {
  return applyDecorators(
    Get('models'),
    Team(),
    ...scopeOf(scope, [JOB_HEADER, TEAM_HEADER]),
    ApiExtraModels(OpenAiErrorResponse),
    ApiOperation({
      summary: 'The model groups that the team may use',
      description: 'Each as a model of OpenAI.',
    }),
    ApiOkResponse({ type: ModelsResponse }),
    ApiErrors(...errorsOf(scope)),
  );
}

export function GetModel(scope: Scope): MethodDecorator {
  return applyDecorators(
    Get(`models/:${MODEL_PATH_PARAM}`),
    Team(),
    ...scopeOf(scope, [JOB_HEADER, TEAM_HEADER]),
    ApiPathIdentifier(MODEL_PATH_PARAM, 'ChatFast'),
    ApiExtraModels(OpenAiErrorResponse),
    ApiOperation({
      summary: 'One of the model groups that the team may use',
      description: 'As a model of OpenAI.',
    }),
    ApiOkResponse({ type: ModelResponse }),
    ApiErrors(modelGroupNotFound('ChatFast'), ...errorsOf(scope)),
  );
}

interface CallOperation {
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly json: Model;
  /** What stands behind `data:` in a frame: one of these. */
  readonly frames: readonly Model[];
}

function callOperation(scope: Scope, operation: CallOperation): MethodDecorator {
  const { path, summary, description, json, frames } = operation;
  const own = scope === 'headers' ? ` ${OWN_JOB}` : '';
  return applyDecorators(
    Post(path),
    HttpCode(200),
    Team(),
    LeavesForProvider(),
    ...scopeOf(scope, [JOB_HEADER, TEAM_HEADER, JOB_TYPE_HEADER, USER_HEADER]),
    ApiOperation({ summary, description: `${description}${own}` }),
    ApiCallAnswer({ json, frames }),
    ApiCallErrors(
      jobNotOpen('completed'),
      ...errorsOf(scope),
      ...(scope === 'headers' ? [insufficientCredits(1, 0)] : []),
    ),
  );
}

function errorsOf(scope: Scope): DomainError[] {
  if (scope === 'job') return [jobNotFound()];
  return [jobNotFound(), otherTeam(), teamNotFound('engineering-team'), teamDeleted('engineering-team')];
}

const JOB_HEADER = {
  name: 'X-Job-Id',
  description: 'An open job of the team that the call goes into',
  schema: { type: 'string', format: 'uuid' },
} as const;

const TEAM_HEADER = {
  name: 'X-Team-Id',
  description: 'With the admin key, and without a job: the team. A team key may leave it out',
  schema: { type: 'string', example: 'engineering-team' },
} as const;

const JOB_TYPE_HEADER = {
  name: 'X-Job-Type',
  description: 'The type of the job that is made for the call',
  schema: { type: 'string', minLength: 1, maxLength: 128, example: 'document_analysis' },
} as const;

const USER_HEADER = {
  name: 'X-User-Id',
  description: 'The user of your application that this job is for',
  schema: { type: 'string', minLength: 1, maxLength: 256, example: 'john@acme.com' },
} as const;

type Header = typeof JOB_HEADER | typeof TEAM_HEADER | typeof JOB_TYPE_HEADER | typeof USER_HEADER;

function scopeOf(scope: Scope, headers: readonly Header[]): MethodDecorator[] {
  if (scope === 'job') return [ApiJobId()];
  return headers.map((header) => ApiHeader({ ...header, required: false }));
}
