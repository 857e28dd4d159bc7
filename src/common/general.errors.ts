import { DO_NOT_RETRY, DomainError } from './domain-error.js';

/** @param what the part that cannot be read, as a sentence */
export function malformedRequest(
  what = 'The request cannot be read. Check its path, headers and body.',
): DomainError {
  return new DomainError({ kind: 'malformed', code: 'malformed_request', message: what });
}

export function malformedJson(): DomainError {
  return new DomainError({
    kind: 'malformed',
    code: 'malformed_json',
    message: 'The body is not valid JSON. It must be one JSON object or array, in UTF-8.',
  });
}

export function bodyTooLarge(maxBytes: number): DomainError {
  return new DomainError({
    kind: 'too_large',
    code: 'body_too_large',
    message: `The body is larger than the ${String(maxBytes)} bytes that this route takes.`,
  });
}

export function unsupportedMediaType(): DomainError {
  return new DomainError({
    kind: 'unsupported_media_type',
    code: 'unsupported_media_type',
    message:
      'Send the body as UTF-8 JSON, plain or with gzip, deflate or br, with the header Content-Type: application/json.',
  });
}

export function routeNotFound(): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'route_not_found',
    message: 'There is no such route. The routes are listed in /openapi.json.',
  });
}

/** @param methods that the path has, in capitals; at least one */
export function methodNotAllowed(methods: readonly string[]): DomainError {
  const allow = methods.join(', ');
  return new DomainError({
    kind: 'method_not_allowed',
    code: 'method_not_allowed',
    message: `This path takes ${allow} only.`,
    headers: { allow },
  });
}

export function databaseUnavailable(cause?: unknown): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'database_unavailable',
    message: 'The service cannot reach its database. Try again shortly.',
    headers: { 'retry-after': '1' },
    cause,
  });
}

export function internalError(cause?: unknown): DomainError {
  return new DomainError({
    kind: 'internal',
    code: 'internal_error',
    message: 'Something went wrong on our side. Try again, and name the request_id if it goes on.',
    cause,
  });
}

/** The process that made a call is gone or was given up for dead; what the call cost is on record as unknown. */
export function callInterrupted(): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'call_interrupted',
    message:
      'The call was interrupted and has no answer. It may have cost something, so it is not sent again.',
    headers: DO_NOT_RETRY,
  });
}
