import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { inspectBody } from './body-inspection.js';
import { DomainError } from './domain-error.js';

/** The routes whose bodies carry prompts, and may therefore be larger. */
const CALL_PATH = /^\/api\/jobs\/[^/]+\/llm-call\/?$/;

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxCallBodyBytes: number;
}

/** Reads JSON bodies within their limits and turns everything that cannot be read into a clear error. */
export function createBodyParser(limits: BodyLimits): RequestHandler {
  const parseBody = express.json({ limit: limits.maxBodyBytes });
  const parseCallBody = express.json({ limit: limits.maxCallBodyBytes });
  return (request: Request, response: Response, next: NextFunction): void => {
    if (hasBody(request) && request.is('application/json') === false) {
      next(
        new DomainError({
          kind: 'unsupported_media_type',
          code: 'unsupported_media_type',
          message: 'Send the body as JSON, with the header Content-Type: application/json.',
        }),
      );
      return;
    }
    const isCall = CALL_PATH.test(request.path);
    const limit = isCall ? limits.maxCallBodyBytes : limits.maxBodyBytes;
    (isCall ? parseCallBody : parseBody)(request, response, (error?: unknown) => {
      if (error !== undefined && error !== null) {
        next(toBodyError(error, limit));
        return;
      }
      try {
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

function toBodyError(error: unknown, limit: number): unknown {
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.too.large':
      return new DomainError({
        kind: 'too_large',
        code: 'body_too_large',
        message: `The body is larger than the ${String(limit)} bytes that this route takes.`,
      });
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new DomainError({
        kind: 'unsupported_media_type',
        code: 'unsupported_media_type',
        message: 'Send the body as UTF-8 JSON, plain or with gzip or deflate.',
      });
    case 'entity.parse.failed':
    case 'entity.verify.failed':
    case 'request.aborted':
    case 'request.size.invalid':
      return new DomainError({
        kind: 'malformed',
        code: 'malformed_json',
        message: 'The body is not valid JSON. It must be one JSON object or array.',
      });
    default:
      return isClientError(error)
        ? new DomainError({
            kind: 'malformed',
            code: 'malformed_request',
            message: 'The request body cannot be read.',
          })
        : error;
  }
}

function isClientError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('status' in error)) return false;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}
