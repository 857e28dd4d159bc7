import { DomainError } from './domain-error.js';
import { errorCodeOf } from './error-code.js';
import { databaseUnavailable, internalError } from './general.errors.js';

/** What a client is told of an error that nobody threw on purpose: a bug, or a database that is away. */
export function toFault(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  return isDatabaseUnavailable(error) ? databaseUnavailable(error) : internalError(error);
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
