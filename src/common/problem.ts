import type { DomainError, ErrorKind } from './domain-error.js';
import type { ProblemResponse } from './problem.response.js';

/** Exhaustive on purpose: a new kind does not compile until it has a status. */
export const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  invalid: 422,
  duplicate: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  insufficient_credits: 402,
  too_large: 413,
  unsupported_media_type: 415,
  upstream_rejected: 400,
  upstream_failed: 502,
  upstream_timeout: 504,
  unavailable: 503,
  internal: 500,
};

const TITLE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Where the service explains an error: a page per code, see `docs/errors.md`. */
export const ERROR_PAGES_PATH = '/docs/errors';

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of an error's answer: the same text for the same error and request. */
export function renderProblem(error: DomainError, requestId: string): string {
  return JSON.stringify(toProblem(error, requestId));
}

/** The problem document (RFC 9457) of an error. @param status where it is not the one of the error's kind */
export function toProblem(
  error: DomainError,
  requestId: string,
  status = STATUS_OF_KIND[error.kind],
): ProblemResponse {
  return {
    type: `${ERROR_PAGES_PATH}/${error.code}`,
    title: TITLE_OF_STATUS[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    ...error.details,
    request_id: requestId,
  };
}
