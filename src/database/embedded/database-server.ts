import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_FOLDER, createCluster, hasCluster, readPassword, refuseOtherVersion } from './cluster.js';
import type { DataLocation } from './data-location.js';
import { EmbeddedPostgresError } from './embedded-postgres.error.js';
import { findFreePort } from './free-port.js';
import { prepareBinaries } from './postgres-binaries.js';
import {
  findPostmaster,
  PID_FILE,
  readPostmasterFile,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.js';
import { isRunning } from './process-identity.js';
import { answers, type ServerAddress } from './server-connection.js';
import { logPath, openServerLog, readLogTail } from './server-log.js';

const POLL_MS = 10;
const RETRY_MS = 250;
/** Crash recovery replays at most a gigabyte of log, the default of max_wal_size. */
const READY_MS = 60_000;
/** How long the processes of a killed server may take to notice that it is gone. */
const OLD_SERVER_MS = 20_000;
const MAX_PORTS = 10;

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
  const port = await findFreePort();
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
