import type { OpenAPIObject } from '@nestjs/swagger';
import type { DomainError } from './common/domain-error.js';
import { callInterrupted } from './common/general.errors.js';
import { IDEMPOTENT_REPLAYED_HEADER } from './common/idempotency.js';
import { problemsByStatus } from './common/openapi.js';
import {
  idempotencyInProgress,
  idempotencyKeyReused,
  idempotentAnswerTooLarge,
  idempotentAnswerUnreadable,
  invalidIdempotencyKey,
} from './idempotency/idempotency.errors.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

interface Answer {
  description?: string;
  headers?: Record<string, object>;
  content?: Record<string, { schema?: object; examples?: Record<string, object> }>;
}

const ERRORS: readonly DomainError[] = [
  idempotencyInProgress(),
  idempotentAnswerTooLarge(),
  idempotentAnswerUnreadable(),
  invalidIdempotencyKey(),
  idempotencyKeyReused(),
];

/** Answers that are stored, and may therefore be repeated. */
const STORED = ['200', '400', '403', '404', '409'];
const STORED_OF_CALLS = ['500', '502', '504'];

const PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Bare or in double quotes, new for each request that is meant as another one. The same request sent again ' +
    'with the same key gets the first answer and has no second effect.',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    pattern: String.raw`^("([ !#-\[\]-~]|\\["\\])+"|[!#-~][ -~]*)$`,
    example: '7f0c2a51-5b0e-4c53-9f4b-2f6f3a0f3c11',
  },
};

const REPLAYED = {
  description: '`true` if an earlier request with the same `Idempotency-Key` got this answer',
  schema: { type: 'string', enum: ['true'] },
};

/** Describes the key of every POST, which no route has to name: the service reads it for all of them. */
export function addIdempotency(document: OpenAPIObject): void {
  for (const { post } of Object.values(document.paths)) {
    if (post !== undefined) describe(post);
  }
}

function describe(operation: Operation): void {
  const answers = operation.responses as Record<string, Answer>;
  // Only what leaves for a provider can be interrupted.
  const isCall = Object.values(answers).some((answer) => declares(answer, callInterrupted().code));
  operation.parameters = [...(operation.parameters ?? []), PARAMETER];
  for (const [status, problem] of problemsByStatus(isCall ? [...ERRORS, callInterrupted()] : ERRORS)) {
    answers[status] = merge(answers[status] ?? {}, problem);
  }
  for (const status of [...STORED, ...(isCall ? STORED_OF_CALLS : [])]) {
    const answer = answers[status];
    if (answer !== undefined) {
      answer.headers = { [IDEMPOTENT_REPLAYED_HEADER]: REPLAYED, ...answer.headers };
    }
  }
}

/** Whether an answer has an error as an example, which is how routes declare theirs. */
function declares({ content }: Answer, code: string): boolean {
  return Object.values(content ?? {}).some((media) => media.examples?.[code] !== undefined);
}

/** What an answer says already goes first. */
function merge(answer: Answer, problem: Answer): Answer {
  const content = { ...problem.content, ...answer.content };
  for (const [type, media] of Object.entries(problem.content ?? {})) {
    const own = answer.content?.[type];
    content[type] = { ...media, ...own, examples: { ...media.examples, ...own?.examples } };
  }
  return { ...problem, ...answer, headers: { ...problem.headers, ...answer.headers }, content };
}
