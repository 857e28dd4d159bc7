import { createHash } from 'node:crypto';
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { type Principal, principalOf } from '../common/access.js';
import type { DomainError } from '../common/domain-error.js';
import { EVENT_STREAM_TYPE, EventStream } from '../common/event-stream.js';
import { toErrorAnswer } from '../common/error-answer.js';
import {
  bodyDigestOf,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENT_REPLAYED_HEADER,
  KEPT_HEADERS,
  LEAVES_METADATA,
} from '../common/idempotency.js';
import { isOpenAiPath, OPENAI_HEADERS } from '../common/openai-path.js';
import { requestIdOf } from '../common/request-id.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { IdempotencyService } from './idempotency.service.js';
import type { Answer, KeyedRequest, KeyedWork } from './idempotency.types.js';
import { parseIdempotencyKey } from './key-header.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Stands around every route, after the guard and before validation; wakes up for POSTs that carry a key. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(
    private readonly idempotency: IdempotencyService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

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
    const opened = Promise.withResolvers<EventStream>();
    const stored = Promise.withResolvers<void>();
    const work: KeyedWork = {
      handle: async () => {
        // Left by a run that was rolled back.
        response.removeHeader(IDEMPOTENT_REPLAYED_HEADER);
        // Called and subscribed to here, or the handler would not be in the transaction of the request.
        const result: unknown = await lastValueFrom(next.handle());
        if (!(result instanceof EventStream)) return toAnswer(response, JSON.stringify(result), JSON_TYPE);
        // It goes out while it comes, and the request is carried out when it has ended.
        const { stream, body } = this.record(result, stored.promise);
        opened.resolve(stream);
        return toAnswer(response, await body, EVENT_STREAM_TYPE);
      },
      answerOf: (error) => toStoredError(error, request),
    };
    const leaves = Reflect.getMetadata(LEAVES_METADATA, context.getHandler()) === true;
    const outcome = leaves
      ? this.idempotency.runWithLease(keyed, work)
      : this.idempotency.runInTransaction(keyed, work);
    const first = await Promise.race([opened.promise, outcome]);
    if (first instanceof EventStream) {
      void outcome
        .catch((error: unknown) => {
          this.logger.error({ err: error }, 'The end of a stream with a key could not be noted.');
        })
        .finally(() => {
          stored.resolve();
        });
      return of(first);
    }
    // The filter makes the same bytes of it, and writes its cause to the log.
    if (first.kind === 'error') throw first.error;
    return of(send(response, first.answer, first.isReplay));
  }

  /**
   * The text of a stream as it goes by; of one that is too large to be kept only so much that this shows. The
   * stream ends when its text has been stored: who has read it to its end may ask for it again.
   */
  private record(
    original: EventStream,
    stored: Promise<void>,
  ): { stream: EventStream; body: Promise<string> } {
    const body = Promise.withResolvers<string>();
    const parts: string[] = [];
    let length = 0;
    const stream = original.observed({
      onFrames: (frames) => {
        if (length > this.settings.idempotencyMaxAnswerBytes) return;
        length += frames.length;
        parts.push(frames);
      },
      onEnd: () => {
        body.resolve(parts.join(''));
        return stored;
      },
    });
    return { stream, body: body.promise };
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
function toAnswer(response: Response, body: string, type: string): Answer {
  const kept = KEPT_HEADERS.map((name) => [name, response.getHeader(name)] as const);
  return {
    status: response.statusCode,
    headers: {
      'content-type': type,
      ...Object.fromEntries(
        kept.filter((header): header is [string, string] => typeof header[1] === 'string'),
      ),
    },
    body,
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
