import { resolve } from 'node:path';
import { Client } from 'pg';
import type { Settings } from '../config/settings.js';
import { describeConnectionError } from './connection-error.js';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.js';

/** A database that answers. */
export interface OpenDatabase {
  readonly url: string;
  /** For people: where the data is. */
  readonly description: string;
  /** Stops an embedded Postgres that this process started; leaves any other running. */
  close(): Promise<void>;
}

/** The configured database cannot be used; the message says what to do. */
export class DatabaseUnreachableError extends Error {}

/**
 * The configured database, or the embedded Postgres where none is configured.
 *
 * @param mode `own` for the service, `attach` for commands that may run beside it
 * @throws DatabaseUnreachableError, EmbeddedPostgresError
 */
export async function openDatabase(
  settings: Settings,
  mode: 'own' | 'attach',
  onNotice: (message: string) => void,
): Promise<OpenDatabase> {
  if (settings.databaseUrl !== null) {
    await ping(settings.databaseUrl);
    return { url: settings.databaseUrl, description: 'DATABASE_URL', close: () => Promise.resolve() };
  }
  const embedded = await startEmbeddedPostgres({
    dataDir: resolve(settings.dataDir),
    isDefaultDataDir: settings.isDefaultDataDir,
    mode,
    onNotice,
  });
  // An encryption that the user's shell asks of other databases (PGSSLMODE) is not for this one.
  return {
    url: `${embedded.url}?sslmode=disable`,
    description: `embedded Postgres in ${embedded.dataDir}`,
    close: () => embedded.stop(),
  };
}

async function ping(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.query('SELECT 1');
  } catch (error) {
    const sentence = describeConnectionError(error, url);
    if (sentence === null) throw error;
    throw new DatabaseUnreachableError(sentence, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
