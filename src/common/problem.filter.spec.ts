import type { ArgumentsHost } from '@nestjs/common';
import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError, type ErrorKind } from './domain-error.js';
import { ProblemFilter } from './problem.filter.js';

/** Every kind, by the statuses of the HTTP contract. A new kind does not compile until it is here. */
const STATUSES: Record<ErrorKind, number> = {
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

/** The reason phrases of RFC 9110, section 15. */
const TITLES: Record<number, string> = {
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
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** What is left of an express response: the calls that the filter makes on it. */
class FakeResponse {
  headersSent = false;
  statusCode = 0;
  headers: Record<string, string> = {};
  contentType = '';
  body = '';
  isDestroyed = false;

  status(status: number): this {
    this.statusCode = status;
    return this;
  }
  set(headers: Record<string, string>): this {
    Object.assign(this.headers, headers);
    return this;
  }
  type(contentType: string): this {
    this.contentType = contentType;
    return this;
  }
  send(body: string): this {
    this.body = body;
    return this;
  }
  destroy(): void {
    this.isDestroyed = true;
  }
}

function answerTo(exception: unknown, response = new FakeResponse()): FakeResponse {
  const http = {
    getRequest: () => ({ path: '/', app: { router: { stack: [] } } }),
    getResponse: () => response,
  };
  new ProblemFilter().catch(exception, { switchToHttp: () => http } as unknown as ArgumentsHost);
  return response;
}

function problemOf(exception: unknown): Record<string, unknown> {
  return JSON.parse(answerTo(exception).body) as Record<string, unknown>;
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

afterAll(() => {
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
});

describe('a problem', () => {
  it.each(Object.entries(STATUSES) as [ErrorKind, number][])('of kind %s has status %d', (kind, status) => {
    const answer = answerTo(new DomainError({ kind, code: 'a_code', message: 'What happened.' }));

    expect(answer.statusCode).toBe(status);
    expect(answer.contentType).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toEqual({
      type: '/docs/errors/a_code',
      title: TITLES[status],
      status,
      detail: 'What happened.',
      code: 'a_code',
      request_id: '',
    });
  });

  it('carries the details and the headers of its error', () => {
    const answer = answerTo(
      new DomainError({
        kind: 'insufficient_credits',
        code: 'insufficient_credits',
        message: 'm',
        details: { credits_required: 1, credits_available: 0 },
        headers: { 'x-should-retry': 'false' },
      }),
    );

    expect(JSON.parse(answer.body)).toMatchObject({ credits_required: 1, credits_available: 0 });
    expect(answer.headers).toEqual({ 'x-should-retry': 'false' });
  });

  it('tells nothing of the cause of its error', () => {
    const error = new DomainError({
      kind: 'upstream_failed',
      code: 'c',
      message: 'm',
      cause: 'gpt-4o at 10.0.0.7',
    });

    expect(answerTo(error).body).not.toContain('10.0.0.7');
  });
});

describe('a database that cannot be had', () => {
  it.each([
    [
      'that refuses connections',
      Object.assign(new Error('connect to db.internal'), { code: 'ECONNREFUSED' }),
    ],
    ['that is shutting down', Object.assign(new Error('db.internal'), { code: '57P01' })],
    ['that has no connection left', Object.assign(new Error('db.internal'), { code: '53300' })],
    ['whose pool gave none in time', new Error('timeout exceeded when trying to connect')],
  ])('%s is 503 for a while, without a word of where it is', (_, error) => {
    const answer = answerTo(error);

    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toEqual({ 'retry-after': '1' });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'database_unavailable' });
    expect(answer.body).not.toContain('db.internal');
  });
});

describe('an error that nobody foresaw', () => {
  const secret = 'password=hunter2 SELECT * FROM teams';

  it.each([
    ['an error', new Error(secret)],
    ['an error with fields', Object.assign(new Error(secret), { status: 404, code: secret, detail: secret })],
    ['an error of another error', new Error('x', { cause: new Error(secret) })],
    ['a text', secret],
    ['an object', { message: secret, status: 400 }],
    ['a framework fault', new InternalServerErrorException(secret)],
    ['a framework fault with a body', new HttpException({ message: secret, statusCode: 503 }, 503)],
    ['undefined', undefined],
    ['null', null],
  ])('that is %s answers 500 and tells nothing of its text', (_, exception) => {
    const answer = answerTo(exception);

    expect(answer.statusCode).toBe(500);
    expect(JSON.parse(answer.body)).toEqual({
      type: '/docs/errors/internal_error',
      title: 'Internal Server Error',
      status: 500,
      detail: 'Something went wrong on our side. Try again, and name the request_id if it goes on.',
      code: 'internal_error',
      request_id: '',
    });
    expect(answer.headers).toEqual({});
  });
});

describe('an exception of the framework', () => {
  it('about a missing route is 404 and does not repeat the path', () => {
    const problem = problemOf(new NotFoundException('Cannot GET /api/secret-path'));

    expect(problem).toMatchObject({ status: 404, title: 'Not Found', code: 'route_not_found' });
    expect(JSON.stringify(problem)).not.toContain('secret-path');
  });

  it.each([
    new BadRequestException('hunter2'),
    new ForbiddenException('hunter2'),
    new HttpException('hunter2', 418),
  ])('about a bad request is 400 in our words: %s', (exception) => {
    const problem = problemOf(exception);

    expect(problem).toMatchObject({ status: 400, code: 'malformed_request' });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });
});

describe('an error after the answer has begun', () => {
  it('cuts the connection instead of mixing a problem into the answer', () => {
    const response = new FakeResponse();
    response.headersSent = true;

    answerTo(new Error('late'), response);

    expect(response).toMatchObject({ isDestroyed: true, body: '', statusCode: 0 });
  });
});
