import { ErrorDocumentError } from './error-pages/error-document.js';
import { EmbeddedPostgresError } from './database/embedded/embedded-postgres.js';
import { DatabaseUnreachableError } from './database/open-database.js';
import { SettingsError } from './config/settings.js';
import { EndRequested } from './lifetime.js';
import { StartError } from './start-error.js';

/** `EX_CONFIG` of sysexits.h: something was found in an unconfigured or misconfigured state. */
export const EXIT_CONFIG = 78;
const EXIT_FAILURE = 1;

/**
 * Ends the process after a failure. What the operator can mend is a sentence; a stack trace is for
 * faults of ours.
 */
export function exitWith(error: unknown): never {
  const { message, code } = describeFailure(error);
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function describeFailure(error: unknown): { message: string; code: number } {
  if (error instanceof SettingsError) return { message: error.message, code: EXIT_CONFIG };
  if (error instanceof StartError) return { message: error.message, code: error.exitCode };
  if (error instanceof EndRequested) return { message: error.message, code: 0 };
  if (error instanceof EmbeddedPostgresError && error.detail !== null) {
    return { message: `${error.message}\n${error.detail}`, code: EXIT_FAILURE };
  }
  if (
    error instanceof EmbeddedPostgresError ||
    error instanceof DatabaseUnreachableError ||
    error instanceof ErrorDocumentError
  ) {
    return { message: error.message, code: EXIT_FAILURE };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `The service failed in a way it did not foresee:\n${text}`, code: EXIT_FAILURE };
}
