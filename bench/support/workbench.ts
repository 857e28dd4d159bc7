import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import type * as EmbeddedPostgresModule from '../../src/database/embedded/embedded-postgres.js';
import {
  makeWorkplace,
  runProgram,
  type ServerProcess,
  startServer,
  type Workplace,
} from '../../test/support/server-process.ts';

const DIST = resolve(import.meta.dirname, '../../dist/src');

export const MASTER_KEY = 'sk-bench-master-0123456789abcdef0123456789abcd';

/** What the embedded server is started with where it differs from an installed one that nobody has tuned. */
const POSTGRES_SETTINGS = { shared_buffers: '256MB', max_connections: '300' };

/** A folder, a Postgres and processes of the service, all of which end with the run. */
export interface Workbench {
  readonly folder: string;
  /** The file that the Postgres server writes its log to. */
  readonly databaseLog: string;
  readonly databasePid: number;
  /** The address of a database of this server. */
  urlOf(database: string): string;
  /** An empty database with the schema of the service. */
  createDatabase(database: string): Promise<string>;
  /** Nobody may be connected to `from`. Both begin with the same statistics. */
  copyDatabase(from: string, to: string): Promise<string>;
  /** The service as in production, on this database. @param extra goes before the usual environment */
  startService(
    databaseUrl: string,
    poolSize: number,
    extra?: Readonly<Record<string, string>>,
  ): Promise<ServerProcess>;
  /** @throws Error with what `verify-ledger` printed, if the books are wrong */
  verifyLedger(databaseUrl: string): Promise<void>;
  /** Ends everything that was started; asked again, it is the same end. */
  stop(): Promise<void>;
}

export async function openWorkbench(): Promise<Workbench> {
  const workplace = await makeWorkplace();
  // As root, Postgres runs as another user, who must be able to enter the folder.
  const dataDir = join(workplace.directory, 'database');
  await mkdir(dataDir);
  await chmod(dataDir, 0o755);
  const embedded = await importEmbeddedPostgres();
  const postgres = await embedded.startEmbeddedPostgres({
    dataDir,
    mode: 'own',
    settings: POSTGRES_SETTINGS,
  });
  const servers = new Set<ServerProcess>();
  const stop = async (): Promise<void> => {
    for (const server of servers) await server.end('SIGTERM');
    await postgres.stop();
    await workplace.remove();
  };
  let stopping: Promise<void> | null = null;
  const urlOf = (database: string): string => {
    const url = new URL(postgres.url);
    url.pathname = `/${database}`;
    return url.toString();
  };
  return {
    folder: workplace.directory,
    databaseLog: join(postgres.dataDir, 'postgres.log'),
    databasePid: Number.parseInt(
      await readFile(join(postgres.dataDir, 'postgres', 'postmaster.pid'), 'utf8'),
      10,
    ),
    urlOf,
    createDatabase: async (database) => {
      await query(postgres.url, `CREATE DATABASE ${database}`);
      await run('commands/migrate.js', workplace, urlOf(database));
      return urlOf(database);
    },
    copyDatabase: async (from, to) => {
      await query(urlOf(from), 'VACUUM ANALYZE');
      await query(postgres.url, `CREATE DATABASE ${to} TEMPLATE ${from}`);
      // Or the first of the measurements would pay for writing out what the preparation left in memory.
      await query(postgres.url, 'CHECKPOINT');
      return urlOf(to);
    },
    startService: async (databaseUrl, poolSize, extra = {}) => {
      const server = await startServer({
        workplace,
        environment: { ...environmentOf(databaseUrl), DATABASE_POOL_SIZE: String(poolSize), ...extra },
      });
      servers.add(server);
      return server;
    },
    verifyLedger: (databaseUrl) => run('commands/verify-ledger.js', workplace, databaseUrl),
    stop: () => (stopping ??= stop()),
  };
}

/** One statement on a connection of its own. */
export async function query<Row extends object>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** As in production, but that nobody reads the log and that it stops at once. */
function environmentOf(databaseUrl: string): Record<string, string> {
  return {
    NODE_ENV: 'production',
    MASTER_KEY,
    ENCRYPTION_KEY: 'encryption-bench-0123456789abcdef0123456789ab',
    LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
    // The jobs are completed without a call, so nothing is ever sent there.
    LITELLM_BASE_URL: 'http://127.0.0.1:9',
    LITELLM_API_KEY: 'sk-nobody-asks-for-it',
    SHUTDOWN_DELAY_MS: '0',
  };
}

async function run(program: string, workplace: Workplace, databaseUrl: string): Promise<void> {
  const { code, output } = await runProgram(program, { workplace, environment: environmentOf(databaseUrl) });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}:\n${output}`);
}

/** The compiled module: Node runs the files in `bench` as they are, but not those with decorators. */
async function importEmbeddedPostgres(): Promise<typeof EmbeddedPostgresModule> {
  const file = join(DIST, 'database/embedded/embedded-postgres.js');
  return (await import(pathToFileURL(file).href)) as typeof EmbeddedPostgresModule;
}
