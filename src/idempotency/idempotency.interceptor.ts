import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { type Principal, principalOf } from '../common/access.js';
import type { DomainError } from '../common/domain-error.js';
import { toErrorAnswer } from '../common/error-answer.js';
import {
  bodyDigestOf,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENT_REPLAYED_HEADER,
  LEAVES_METADATA,
} from '../common/idempotency.js';
import { isOpenAiPath, OPENAI_HEADERS } from '../common/openai-path.js';
import { requestIdOf } from '../common/request-id.js';
import { IdempotencyService } from './idempotency.service.js';
import type { Answer, KeyedRequest, KeyedWork } from './idempotency.types.js';
import { parseIdempotencyKey } from './key-header.js';

/** Stands around every route, after the guard and before validation; wakes up for POSTs that carry a key. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly idempotency: IdempotencyService) {}

  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    if (request.headers[IDEMPOTENCY_KEY_HEADER] === undefined || request.method !== 'POST') {
      return next.handle();
    }
    const principal = principalOf(request);
    return principal === null ? next.handle() : this.answer(context, next, principal);
  }

  private async answer(
    context: ExecutionContext,
    next: CallHandler,
    principal: Principal,
  ): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const keyed = keyedRequestOf(request, principal);
    const work: KeyedWork = {
      handle: async () => {
        // Left by a run that was rolled back.
        response.removeHeader(IDEMPOTENT_REPLAYED_HEADER);
        // Called and subscribed to here, or the handler would not be in the transaction of the request.
        return toAnswer(response, await lastValueFrom(next.handle()));
      },
      answerOf: (error) => toStoredError(error, request),
    };
    const leaves = Reflect.getMetadata(LEAVES_METADATA, context.getHandler()) === true;
    const outcome = leaves
      ? await this.idempotency.runWithLease(keyed, work)
      : await this.idempotency.runInTransaction(keyed, work);
    // The filter makes the same bytes of it, and writes its cause to the log.
    if (outcome.kind === 'error') throw outcome.error;
    return of(send(response, outcome.answer, outcome.isReplay));
  }
}

function keyedRequestOf(request: Request, principal: Principal): KeyedRequest {
  return {
    caller: principal.role === 'admin' ? 'admin' : `team:${principal.teamId}`,
    route: `${request.method} ${(request.route as { path: string }).path}`,
    key: parseIdempotencyKey(request.headersDistinct[IDEMPOTENCY_KEY_HEADER] ?? []),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([request.method, request.originalUrl, ...meaningfulHeaders(request)]))
      .update(bodyDigestOf(request))
      .digest(),
  };
}

/** None where the body says it all, so that fingerprints there stay what they were. */
function meaningfulHeaders(request: Request): unknown[] {
  return isOpenAiPath(request.path) ? OPENAI_HEADERS.map((name) => request.headers[name] ?? null) : [];
}

/** What the framework would make of the handler's result, made here so that it can be stored. */
function toAnswer(response: Response, result: unknown): Answer {
  return {
    status: response.statusCode,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(result),
  };
}

/** What the filter makes of the error. */
function toStoredError(error: DomainError, request: Request): Answer {
  const { path } = request;
  const { status, contentType, body } = toErrorAnswer(error, { path, requestId: requestIdOf(request) });
  return { status, headers: { ...error.headers, 'content-type': `${contentType}; charset=utf-8` }, body };
}

/** @returns the body, which the framework sends as it is */
function send(response: Response, answer: Answer, isReplay: boolean): string {
  response.status(answer.status).set(answer.headers);
  if (isReplay) response.set(IDEMPOTENT_REPLAYED_HEADER, 'true');
  return answer.body;
}
