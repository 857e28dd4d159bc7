import { Client } from 'pg';
import { SUPERUSER } from './cluster.js';
import { EmbeddedPostgresError, errorCodeOf, errorMessageOf } from './embedded-postgres.error.js';

export const LOOPBACK = '127.0.0.1';
export const DATABASE_NAME = 'app';

const CONNECT_TIMEOUT_MS = 5_000;
const INVALID_PASSWORD = '28P01';
const DATABASE_MISSING = '3D000';
/** Codes of a server that is on its way up or down, or not there yet. */
const NOT_NOW: ReadonlySet<string> = new Set(['57P03', '57P01', '57P02', 'ECONNREFUSED', 'ECONNRESET']);

export interface ServerAddress {
  readonly port: number;
  readonly password: string;
}

export function databaseUrl({ port, password }: ServerAddress): string {
  return `postgresql://${SUPERUSER}:${encodeURIComponent(password)}@${LOOPBACK}:${String(port)}/${DATABASE_NAME}`;
}

/**
 * Whether the server takes connections with our password; its database is made if it is missing, as
 * after a first start that was interrupted. Under the directory's lock: two makers would collide.
 * @throws EmbeddedPostgresError if another password rules there
 */
export async function answers(address: ServerAddress): Promise<boolean> {
  try {
    await query(address, DATABASE_NAME, 'SELECT 1');
    return true;
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === DATABASE_MISSING) {
      // template0 takes no connections, so nobody's session can keep it from being copied.
      await query(address, 'postgres', `CREATE DATABASE ${DATABASE_NAME} TEMPLATE template0`);
      return true;
    }
    if (code !== null && NOT_NOW.has(code)) return false;
    if (code === INVALID_PASSWORD) {
      throw new EmbeddedPostgresError(
        `The embedded database on port ${String(address.port)} does not accept the password kept beside it. Put back the file postgres-password that belongs to it, or set DATA_DIR to another folder to start empty.`,
        { cause: error },
      );
    }
    // pg gives a timeout and a connection cut in the middle no code; both are worth another try.
    if (code === null) return false;
    throw new EmbeddedPostgresError(
      `The embedded database on port ${String(address.port)} refuses the service: ${errorMessageOf(error)}. Its log says why.`,
      { cause: error },
    );
  }
}

async function query(address: ServerAddress, database: string, sql: string): Promise<void> {
  const client = new Client({
    host: LOOPBACK,
    port: address.port,
    user: SUPERUSER,
    password: address.password,
    database,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Given, so that PGSSLMODE and PGOPTIONS of the operator's shell do not apply.
    ssl: false,
    options: '-c client_min_messages=warning',
  });
  // A server that ends meanwhile also fails the running query, which is where it is handled.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}
