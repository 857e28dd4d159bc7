import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { v4 as randomUuid } from 'uuid';

const ACCEPTED = /^[\w-]{1,128}$/;
const REQUEST_ID = Symbol('requestId');

type WithRequestId = IncomingMessage & { [REQUEST_ID]?: string };

/** Puts `X-Request-Id` on every answer: the caller's where it is harmless, else one of ours. */
export function assignRequestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && ACCEPTED.test(given) ? given : randomUuid();
  (request as WithRequestId)[REQUEST_ID] = requestId;
  response.setHeader('X-Request-Id', requestId);
  next();
}

/** The id that {@link assignRequestId} gave to the request. */
export function requestIdOf(request: IncomingMessage): string {
  return (request as WithRequestId)[REQUEST_ID] ?? '';
}
