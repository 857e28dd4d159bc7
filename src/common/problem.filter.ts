import { inspect } from 'node:util';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError, type ErrorKind } from './domain-error.js';
import { errorCodeOf } from './error-code.js';
import { requestIdOf } from './request-id.js';

/** Exhaustive on purpose: a new kind does not compile until it has a status. */
const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  invalid: 422,
  duplicate: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
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
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Answers every error as `application/problem+json` (RFC 9457), whatever layer it came from. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const error = toDomainError(exception);
    const status = STATUS_OF_KIND[error.kind];
    const requestId = requestIdOf(request);
    if (error.cause !== undefined) {
      // The stack alone: a failed statement carries its parameters, which are nobody's business in a log.
      const stack = error.cause instanceof Error ? error.cause.stack : inspect(error.cause);
      this.logger.error({ requestId, stack }, 'A request failed for a reason on our side.');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(status).set(error.headers);
    response.type('application/problem+json').send(
      JSON.stringify({
        type: 'about:blank',
        title: TITLE_OF_STATUS[status],
        status,
        detail: error.message,
        code: error.code,
        ...error.details,
        request_id: requestId,
      }),
    );
  }
}

function toDomainError(exception: unknown): DomainError {
  if (exception instanceof DomainError) return exception;
  if (exception instanceof HttpException) return fromHttpException(exception);
  if (isDatabaseUnavailable(exception)) return databaseUnavailable(exception);
  return internalError(exception);
}

/** The framework's own exceptions: an unknown route, a path that cannot be decoded. */
function fromHttpException(exception: HttpException): DomainError {
  const status = exception.getStatus();
  if (status === 404) {
    return new DomainError({
      kind: 'not_found',
      code: 'route_not_found',
      message: 'There is no such route. The routes are listed in /openapi.json.',
    });
  }
  if (status >= 500) return internalError(exception);
  return new DomainError({
    kind: 'malformed',
    code: 'malformed_request',
    message: 'The request cannot be read. Check its path, headers and body.',
  });
}

/** Codes of Node and of Postgres for a database that cannot be had right now. */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P03', // cannot_connect_now
]);

function isDatabaseUnavailable(exception: unknown): boolean {
  const code = errorCodeOf(exception);
  if (code !== null && UNAVAILABLE_CODES.has(code)) return true;
  return exception instanceof Error && /timeout exceeded when trying to connect/i.test(exception.message);
}

function databaseUnavailable(cause: unknown): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'database_unavailable',
    message: 'The service cannot reach its database. Try again shortly.',
    headers: { 'retry-after': '1' },
    cause,
  });
}

function internalError(cause: unknown): DomainError {
  return new DomainError({
    kind: 'internal',
    code: 'internal_error',
    message: 'Something went wrong on our side. Try again, and name the request_id if it goes on.',
    cause,
  });
}
