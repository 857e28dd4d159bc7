import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { inspectBody } from './body-inspection.js';
import { noteBody } from './idempotency.js';
import { bodyTooLarge, malformedJson, malformedRequest, unsupportedMediaType } from './general.errors.js';

/** The routes whose bodies carry prompts, and may therefore be larger. Routing ignores case, too. */
const CALL_PATHS = [
  /^\/api\/jobs\/[^/]+\/llm-call(?:-stream)?\/?$/i,
  /^\/api\/jobs\/create-and-call(?:-stream)?\/?$/i,
  /^\/(?:api\/jobs\/[^/]+\/openai\/)?v1\/(?:chat\/completions|embeddings|responses)\/?$/i,
];

const ENCODINGS: ReadonlySet<string> = new Set(['identity', 'gzip', 'deflate', 'br']);

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxCallBodyBytes: number;
}

/**
 * Reads JSON bodies within their limits and turns everything that cannot be read into a clear error.
 *
 * @param mayPass whether a request could be let in; the body of any other is left unread for the guard,
 * or every stranger could keep the process busy with parsing
 */
export function createBodyParser(limits: BodyLimits, mayPass: (request: Request) => boolean): RequestHandler {
  const parserOf = (limit: number): RequestHandler => express.json({ limit, verify: inspectBytes });
  const parseBody = parserOf(limits.maxBodyBytes);
  const parseCallBody = parserOf(limits.maxCallBodyBytes);
  return (request: Request, response: Response, next: NextFunction): void => {
    if (!hasBody(request) || !mayPass(request)) {
      next();
      return;
    }
    if (!isReadable(request)) {
      next(unsupportedMediaType());
      return;
    }
    const isCall = CALL_PATHS.some((path) => path.test(request.path));
    const limit = isCall ? limits.maxCallBodyBytes : limits.maxBodyBytes;
    (isCall ? parseCallBody : parseBody)(request, response, (error?: unknown) => {
      try {
        if (error !== undefined && error !== null) throw toBodyError(error, limit);
        inspectBody(request.body);
      } catch (refusal) {
        next(refusal);
        return;
      }
      next();
    });
  };
}

function hasBody(request: Request): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

/** JSON in UTF-8, plain or in an encoding that can be undone. */
function isReadable(request: Request): boolean {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  const charset = /;\s*charset="?([^";\s]+)/i.exec(type)?.[1] ?? 'utf-8';
  return (
    request.is('application/json') !== false &&
    /^utf-?8$/i.test(charset) &&
    ENCODINGS.has(encoding.toLowerCase())
  );
}

/** Bytes that are no UTF-8 would be replaced without a word. */
function inspectBytes(request: IncomingMessage, _response: unknown, body: Buffer): void {
  noteBody(request, body);
  if (!isUtf8(body)) throw new Error('The body is not valid UTF-8.');
}

function toBodyError(error: unknown, limit: number): unknown {
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.too.large':
      return bodyTooLarge(limit);
    case 'entity.parse.failed':
    case 'entity.verify.failed':
    case 'request.aborted':
    case 'request.size.invalid':
      return malformedJson();
    default:
      return isClientError(error) ? malformedRequest('The request body cannot be read.') : error;
  }
}

function isClientError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('status' in error)) return false;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}
