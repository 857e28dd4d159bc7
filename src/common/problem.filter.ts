import { inspect } from 'node:util';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { allowedMethods } from './allowed-methods.js';
import { DomainError } from './domain-error.js';
import { toErrorAnswer } from './error-answer.js';
import { toFault } from './fault.js';
import { internalError, malformedRequest, methodNotAllowed, routeNotFound } from './general.errors.js';
import { requestIdOf } from './request-id.js';

/**
 * Answers every error as `application/problem+json` (RFC 9457), or in OpenAI's shape on its paths, whatever
 * layer it came from.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const error = toDomainError(exception, request);
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
    const answer = toErrorAnswer(error, { path: request.path, requestId });
    response.status(answer.status).set(error.headers);
    response.type(answer.contentType).send(answer.body);
  }
}

function toDomainError(exception: unknown, request: Request): DomainError {
  if (exception instanceof DomainError) return exception;
  if (exception instanceof HttpException) return fromHttpException(exception, request);
  return toFault(exception);
}

/** The framework's own exceptions: a path or a method that no route has, a path that cannot be decoded. */
function fromHttpException(exception: HttpException, request: Request): DomainError {
  const status = exception.getStatus();
  if (status === 404) {
    const methods = allowedMethods(request);
    return methods.length === 0 ? routeNotFound() : methodNotAllowed(methods);
  }
  return status >= 500 ? internalError(exception) : malformedRequest();
}
