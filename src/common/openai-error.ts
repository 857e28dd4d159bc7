import type { DomainError, ErrorKind, FieldError } from './domain-error.js';
import type { OpenAiErrorResponse } from './openai-error.response.js';
import { STATUS_OF_KIND } from './problem.js';
import type { ProblemResponse } from './problem.response.js';

/**
 * What OpenAI's API calls a kind. Its clients go by the status and show the type; `insufficient_quota` is
 * the one that they take for a reason not to ask again.
 */
export const OPENAI_TYPE_OF_KIND: Readonly<Record<ErrorKind, string>> = {
  malformed: 'invalid_request_error',
  invalid: 'invalid_request_error',
  duplicate: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'conflict_error',
  insufficient_credits: 'insufficient_quota',
  too_large: 'invalid_request_error',
  unsupported_media_type: 'invalid_request_error',
  upstream_rejected: 'invalid_request_error',
  upstream_failed: 'api_error',
  upstream_timeout: 'api_error',
  unavailable: 'api_error',
  internal: 'api_error',
};

/** Refused fields that one message tells of. */
const MAX_TOLD_FIELDS = 5;

/** The status of an error in OpenAI's API, which has 400 where ours has 422. */
export function openAiStatusOf({ kind }: Pick<DomainError, 'kind'>): number {
  return kind === 'invalid' ? STATUS_OF_KIND.malformed : STATUS_OF_KIND[kind];
}

/** An error in the shape that OpenAI's clients read. */
export function toOpenAiError({
  kind,
  code,
  message,
  details,
}: Pick<DomainError, 'kind' | 'code' | 'message' | 'details'>): OpenAiErrorResponse {
  const errors = (details['errors'] ?? []) as readonly FieldError[];
  return {
    error: {
      message: errors.length > 1 ? tellAll(errors) : message,
      type: OPENAI_TYPE_OF_KIND[kind],
      param: errors[0]?.field ?? null,
      code,
    },
  };
}

/** The shape has no place for a list of fields, so the message names them. */
function tellAll(errors: readonly FieldError[]): string {
  const told = errors.slice(0, MAX_TOLD_FIELDS).map((error) => error.message);
  const others = errors.length - told.length;
  return `${told.join('; ')}${others > 0 ? `; and ${String(others)} more` : ''}.`;
}

/** The same error as a problem document has it, for what is described by those. */
export function fromProblem({ status, code, detail, errors }: ProblemResponse): OpenAiErrorResponse {
  const kinds = Object.keys(STATUS_OF_KIND) as ErrorKind[];
  const kind = kinds.find((one) => STATUS_OF_KIND[one] === status) ?? 'internal';
  return toOpenAiError({ kind, code, message: detail, details: { errors } });
}
