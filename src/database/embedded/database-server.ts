import { randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  CLUSTER_FOLDER,
  createCluster,
  hasCluster,
  readPassword,
  refuseOtherVersion,
  SUPERUSER,
} from './cluster.js';
import type { DataLocation } from './data-location.js';
import { EmbeddedPostgresError, errorCodeOf, errorMessageOf } from './embedded-postgres.error.js';
import { prepareBinaries } from './postgres-binaries.js';
import {
  findPostmaster,
  LONGEST_STOP_MS,
  PID_FILE,
  readPostmasterFile,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.js';
import { isRunning } from './process-identity.js';
import { logPath, openServerLog, readLogTail } from './server-log.js';

const POLL_MS = 10;
const RETRY_MS = 250;
/** Crash recovery replays at most a gigabyte of log, the default of max_wal_size. */
const READY_MS = 60_000;
/** How long the processes of a killed server may take to notice that it is gone. */
const OLD_SERVER_MS = 20_000;
const MAX_PORTS = 10;
/** Below the range from which systems take ports for outgoing connections, so that none sits on ours. */
const FIRST_PORT = 20_000;
const END_PORT = 32_768;
/** For making a cluster and copying the binaries, on a slow disk. */
const CREATION_MS = 30_000;

/**
 * Longer than the process that holds the directory's lock needs: it may wait for a server that shuts
 * down, make the cluster, wait for old processes, wait for a recovery and stop what refuses it.
 */
export const LOCK_WAIT_MS = READY_MS + CREATION_MS + OLD_SERVER_MS + READY_MS + LONGEST_STOP_MS;

const LOOPBACK = '127.0.0.1';
const DATABASE_NAME = 'app';
const CONNECT_TIMEOUT_MS = 5_000;
const INVALID_PASSWORD = '28P01';
const DATABASE_MISSING = '3D000';
/** Codes of a server that is on its way up or down, or not there yet. */
const NOT_NOW: ReadonlySet<string> = new Set(['57P03', '57P01', '57P02', 'ECONNREFUSED', 'ECONNRESET']);

interface ServerAddress {
  readonly port: number;
  readonly password: string;
}

export function databaseUrl({ port, password }: ServerAddress): string {
  return `postgresql://${SUPERUSER}:${encodeURIComponent(password)}@${LOOPBACK}:${String(port)}/${DATABASE_NAME}`;
}

export interface ServerRequest extends DataLocation {
  readonly systemFolder: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly onNotice: (message: string) => void;
}

export interface RunningServer extends ServerAddress {
  readonly pid: number;
  /** False: it ran already. */
  readonly isNew: boolean;
}

/**
 * Brings the server of a data directory up, whatever state it was left in: creates the cluster, takes
 * over a running server, waits for one that is stopping, lets Postgres recover after one that was killed.
 * Called under the directory's lock.
 */
export async function ensureServer(request: ServerRequest): Promise<RunningServer> {
  const clusterFolder = join(request.dataDir, CLUSTER_FOLDER);
  if (!(await hasCluster(request.dataDir))) return startServer(request, clusterFolder, true);
  for (let wasStale = false; ;) {
    const found = await findPostmaster(clusterFolder);
    if (found.state !== 'running') {
      wasStale ||= found.state === 'stale';
      // With a dead pid Postgres clears the file by itself, after checks that we could only repeat.
      if (found.state === 'stale' && found.isPidTaken)
        await rm(join(clusterFolder, PID_FILE), { force: true });
      const server = await startServer(request, clusterFolder, false);
      if (wasStale)
        request.onNotice('The database was not stopped properly the last time; it has recovered.');
      return server;
    }
    const { pid } = found.file;
    const password = await readPassword(request.dataDir);
    const port = await waitUntilReady(clusterFolder, pid, password);
    if (port !== null) return { pid, port, password, isNew: false };
    // It was shutting down, and now it is gone.
  }
}

async function startServer(
  request: ServerRequest,
  clusterFolder: string,
  isFirst: boolean,
): Promise<RunningServer> {
  const binaries = await prepareBinaries(request);
  if (isFirst) await createCluster(request, binaries.nativeFolder);
  await refuseOtherVersion(request.dataDir, binaries.version);
  const password = await readPassword(request.dataDir);
  const oldServerDeadline = Date.now() + OLD_SERVER_MS;
  for (let ports = 1; ;) {
    const outcome = await tryStart(request, clusterFolder, binaries.nativeFolder, password);
    if (outcome.kind === 'ready') return { pid: outcome.pid, port: outcome.port, password, isNew: true };
    if (outcome.kind === 'port_taken' && ports < MAX_PORTS) {
      ports += 1;
    } else if (outcome.kind === 'old_server' && Date.now() < oldServerDeadline) {
      await sleep(RETRY_MS);
    } else {
      throw new EmbeddedPostgresError(explainFailedStart(outcome, request.dataDir), {
        detail: outcome.detail,
      });
    }
  }
}

type StartOutcome =
  | { readonly kind: 'ready'; readonly pid: number; readonly port: number }
  | { readonly kind: FailureKind; readonly detail: string };

type FailureKind = 'port_taken' | 'old_server' | 'disk_full' | 'other';

async function tryStart(
  request: ServerRequest,
  clusterFolder: string,
  nativeFolder: string,
  password: string,
): Promise<StartOutcome> {
  // Drawn, not tried out: the server itself says if the port is taken, and then another one is drawn.
  const port = randomInt(FIRST_PORT, END_PORT);
  const log = await openServerLog(request.dataDir);
  let pid: number;
  try {
    const { user, settings } = request;
    pid = await spawnPostmaster({
      nativeFolder,
      clusterFolder,
      user,
      port,
      settings,
      logFd: log.handle.fd,
    });
  } finally {
    await log.handle.close();
  }
  const readyPort = await waitUntilReady(clusterFolder, pid, password, async () => {
    await stopPostmaster(clusterFolder);
  });
  if (readyPort !== null) return { kind: 'ready', pid, port: readyPort };
  const detail = await readLogTail(log);
  return { kind: classifyFailedStart(detail), detail };
}

/**
 * The server's port once it answers, null if its process ended. A refusal, unlike slowness, ends a server
 * that we have just started: nobody would use it.
 * @throws EmbeddedPostgresError if it refuses us, or is not ready in time; then it keeps running, because
 * a recovery that is cut off begins again from its start.
 */
async function waitUntilReady(
  clusterFolder: string,
  pid: number,
  password: string,
  onRefusal?: () => Promise<void>,
): Promise<number | null> {
  const deadline = Date.now() + READY_MS;
  while (await isRunning(pid)) {
    const file = await readPostmasterFile(clusterFolder);
    if (file?.pid === pid && file.isReady && file.port !== null) {
      try {
        if (await answers({ port: file.port, password })) return file.port;
      } catch (error) {
        await onRefusal?.();
        throw error;
      }
    }
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `The database server (process ${String(pid)}) is not ready after ${String(READY_MS / 1000)} seconds; it may still be recovering. Start again to wait longer, or end it with "kill -INT ${String(pid)}" first.`,
      );
    }
    await sleep(POLL_MS);
  }
  return null;
}

/**
 * Whether the server takes connections with our password; its database is made if it is missing, as
 * after a first start that was interrupted. Under the directory's lock: two makers would collide.
 * @throws EmbeddedPostgresError if another password rules there
 */
async function answers(address: ServerAddress): Promise<boolean> {
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
      `The embedded database on port ${String(address.port)} refuses the service: ${errorMessageOf(error)}. Mend that, or set DATABASE_URL to a Postgres of your own.`,
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

/** @param detail the server's own lines, in English by its environment */
export function classifyFailedStart(detail: string): FailureKind {
  if (/could not bind .*: Address already in use/.test(detail)) return 'port_taken';
  if (/lock file "postmaster\.pid" already exists|pre-existing shared memory block/.test(detail)) {
    return 'old_server';
  }
  if (/No space left on device/.test(detail)) return 'disk_full';
  return 'other';
}

function explainFailedStart(failure: { kind: FailureKind }, dataDir: string): string {
  switch (failure.kind) {
    case 'port_taken':
      return 'The embedded database found no port that stayed free. Start again, or set DATABASE_URL to a Postgres of your own.';
    case 'old_server':
      return `Processes of an earlier database server still use ${dataDir}. Wait until they have ended, or end them, then start again.`;
    case 'disk_full':
      return `The disk of ${dataDir} is full, so the embedded database does not start. Make room, then start again.`;
    case 'other':
      return `The embedded database does not start; its last lines in ${logPath(dataDir)} say why. Mend that, or set DATABASE_URL to a Postgres of your own.`;
  }
}
