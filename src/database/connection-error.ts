import { errorCodeOf } from '../common/error-code.js';

/** What an operator can do about a database that could not be opened, by the driver's code. */
const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ECONNRESET: 'it closed the connection',
  '28P01': 'it refuses the password',
  '28000': 'it refuses the user',
  '3D000': 'it has no such database',
  '53300': 'it has no connection left',
  '57P03': 'it is starting up or shutting down',
};

/**
 * A sentence about a database that cannot be used, without user or password; null for an error that
 * has another cause.
 */
export function describeConnectionError(error: unknown, databaseUrl: string): string | null {
  const isTimeout = error instanceof Error && /timeout/i.test(error.message);
  const reason = REMEDIES[errorCodeOf(error) ?? ''] ?? (isTimeout ? 'it does not answer' : null);
  if (reason === null) return null;
  const { host, pathname } = new URL(databaseUrl);
  return `The database ${pathname.slice(1)} at ${host} cannot be used: ${reason}. Check DATABASE_URL and that Postgres runs.`;
}
