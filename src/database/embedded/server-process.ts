import { EmbeddedPostgresError, errorCodeOf, errorMessageOf } from './embedded-postgres.error.js';
import type { ServerUser } from './postgres-user.js';

/**
 * The whole environment of initdb and the server. Nothing is inherited: PGDATA, PGPORT, PGOPTIONS and
 * their like are meant for the operator's own databases. English messages, because some are recognised.
 */
export const CHILD_ENV: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export function childIdentity(user: ServerUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/** Why a binary that is there could not be started. */
export function explainSpawnError(error: unknown, binary: string): EmbeddedPostgresError {
  const reason =
    errorCodeOf(error) === 'ENOENT'
      ? // The file exists; what is missing is the loader it names, as on Alpine and other musl systems.
        'this system lacks the C library (glibc) they are built for'
      : errorMessageOf(error);
  return new EmbeddedPostgresError(
    `The embedded Postgres binaries do not run on this machine (${binary}): ${reason}. Set DATABASE_URL to a Postgres of your own.`,
    { cause: error },
  );
}
