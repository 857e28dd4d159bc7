import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../src/database/embedded/embedded-postgres.js';
import { isAlive, postmasterPid, waitFor } from '../../support/embedded-postgres-process.js';
import { noteProcess } from './started-processes.js';
import { steadyPort } from './ports.js';

/** What the service calls itself in `pg_stat_activity`. */
const SERVICE = 'jobs-over-litellm';

/** A Postgres of a scenario's own, which it may crash. It keeps its port over crashes. */
export class ChaosPostgres {
  private constructor(
    private readonly dataDir: string,
    private readonly port: number,
    private readonly settings: Readonly<Record<string, string>>,
    private server: EmbeddedPostgres,
  ) {}

  /** @param extra settings of the server */
  static async start(extra: Readonly<Record<string, string>> = {}): Promise<ChaosPostgres> {
    const dataDir = await mkdtemp(join(tmpdir(), 'chaos-postgres-'));
    // As root, Postgres runs as another user, who must be able to enter the folder.
    await chmod(dataDir, 0o755);
    const port = await steadyPort();
    // The later of two settings counts, so this replaces the port that was chosen by chance.
    const settings = { port: String(port), max_connections: '200', ...extra };
    return new ChaosPostgres(dataDir, port, settings, await startServer(dataDir, settings));
  }

  get url(): string {
    return this.server.url;
  }

  /** The address of the same database behind a proxy. */
  urlBehind(port: number): string {
    const url = new URL(this.url);
    url.port = String(port);
    return url.toString();
  }

  get tcpPort(): number {
    return this.port;
  }

  /** Ends the server as `pg_ctl -m immediate` does: no checkpoint, every connection is cut. */
  async crash(): Promise<void> {
    const pid = await this.pid();
    process.kill(pid, 'SIGQUIT');
    await waitFor('the crash of the database', async () => !(await isAlive(pid)));
  }

  /** Kills one of the service's backends, after which the server resets all of its connections. */
  async killBackend(): Promise<boolean> {
    const [backend] = await this.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = $1
        ORDER BY state = 'active' DESC, backend_start LIMIT 1`,
      [SERVICE],
    );
    if (backend === undefined) return false;
    process.kill(backend.pid, 'SIGKILL');
    await waitFor('the end of a backend', async () => !(await isAlive(backend.pid)));
    return true;
  }

  /** Starts the crashed server again, or waits for one that resets itself, until it answers. */
  async recover(): Promise<void> {
    const pid = await postmasterPid(this.dataDir);
    if (pid === null || !(await isAlive(pid))) {
      await this.server.stop();
      this.server = await startServer(this.dataDir, this.settings);
      return;
    }
    await waitFor('the database', () =>
      this.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    );
  }

  /** Connections of the service, and those of them that hold a transaction open without working on it. */
  async serviceConnections(): Promise<{ all: number; idleInTransaction: number }> {
    const [row] = await this.query<{ all: number; idle: number }>(
      `SELECT count(*)::int AS all, count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS idle
         FROM pg_stat_activity WHERE application_name = $1`,
      [SERVICE],
    );
    return { all: row?.all ?? 0, idleInTransaction: row?.idle ?? 0 };
  }

  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  private async pid(): Promise<number> {
    const pid = await postmasterPid(this.dataDir);
    if (pid === null) throw new Error('The database does not run.');
    return pid;
  }
}

async function startServer(
  dataDir: string,
  settings: Readonly<Record<string, string>>,
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, mode: 'own', settings });
  noteProcess((await postmasterPid(dataDir)) ?? undefined);
  return server;
}
