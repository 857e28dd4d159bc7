import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { EmbeddedPostgresError, errorCodeOf, errorMessageOf } from './embedded-postgres.error.js';
import type { ServerUser } from './postgres-user.js';
import {
  commandLineOf,
  exists,
  findProcess,
  isSameProcess,
  workingFolderOf,
  type ProcessIdentity,
} from './process-identity.js';

export const PID_FILE = 'postmaster.pid';

/**
 * The whole environment of initdb and the server. Nothing is inherited: PGDATA, PGPORT, PGOPTIONS and
 * their like are meant for the operator's own databases. English messages, because some are recognised.
 */
export const CHILD_ENV: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

const POLL_MS = 20;
/** A fast shutdown ends with a checkpoint, which may have much to write. */
const FAST_STOP_MS = 20_000;
/** An immediate shutdown gives its children five seconds before it kills them. */
const IMMEDIATE_STOP_MS = 10_000;
export const LONGEST_STOP_MS = FAST_STOP_MS + IMMEDIATE_STOP_MS;

/** What postmaster.pid says; the server fills in the later lines as it comes up. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number | null;
  readonly isReady: boolean;
}

export type FoundPostmaster =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly file: PostmasterFile; readonly identity: ProcessIdentity }
  /** `isPidTaken`: the kernel knows the pid, so Postgres itself could not tell that the file is stale. */
  | { readonly state: 'stale'; readonly isPidTaken: boolean };

export function parsePostmasterFile(text: string): PostmasterFile | null {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid === 0) return null;
  const port = Number(lines[3]);
  return {
    // A server in single-user mode writes its pid as a negative number.
    pid: Math.abs(pid),
    port: Number.isInteger(port) && port > 0 ? port : null,
    isReady: lines[7] === 'ready',
  };
}

export async function readPostmasterFile(clusterFolder: string): Promise<PostmasterFile | null> {
  try {
    return parsePostmasterFile(await readFile(join(clusterFolder, PID_FILE), 'utf8'));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Tells a server of this cluster from a dead one and from another program that got its pid.
 * @throws EmbeddedPostgresError where neither is certain: one must not be signalled, the other not be
 * called dead
 */
export async function findPostmaster(clusterFolder: string): Promise<FoundPostmaster> {
  const file = await readPostmasterFile(clusterFolder);
  if (file === null) return { state: 'none' };
  const identity = await findProcess(file.pid);
  if (identity === null) return { state: 'stale', isPidTaken: exists(file.pid) };
  const isOurs = isPostmasterOf(
    clusterFolder,
    await commandLineOf(file.pid),
    await workingFolderOf(file.pid),
  );
  if (isOurs === true) return { state: 'running', file, identity };
  if (isOurs === false) return { state: 'stale', isPidTaken: true };
  throw new EmbeddedPostgresError(
    `It cannot be told whether the process ${String(file.pid)} is the server of ${clusterFolder}. If it is, end it with "kill -INT ${String(file.pid)}"; if not, remove ${join(clusterFolder, PID_FILE)}. Then try again.`,
  );
}

/** Null where it cannot be told. A null among the arguments is what the system does not show. */
export function isPostmasterOf(
  clusterFolder: string,
  command: string | null,
  workingFolder: string | null,
): boolean | null {
  if (command !== null && !/(^|\/)(postgres|postmaster)( |$)/.test(command)) return false;
  if (command?.includes(` -D ${clusterFolder} `) === true) return true;
  // A server works in its cluster; this one may have been started by hand, with other arguments.
  return workingFolder === null ? null : workingFolder === clusterFolder;
}

export interface PostmasterStart {
  readonly nativeFolder: string;
  readonly clusterFolder: string;
  readonly user: ServerUser | null;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Descriptor of the file that takes the server's output. */
  readonly logFd: number;
}

/**
 * Starts the server in a session of its own, so that a Ctrl-C in the terminal reaches only the service,
 * which stops the database after its last request. Does not wait; answers the pid.
 */
export async function spawnPostmaster(start: PostmasterStart): Promise<number> {
  const binary = join(start.nativeFolder, 'bin', 'postgres');
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    shared_buffers: '64MB',
    ...start.settings,
  };
  const args = [
    // isPostmasterOf recognises the server by this beginning.
    ...['-D', start.clusterFolder, '-p', String(start.port)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      ...childIdentity(start.user),
      detached: true,
      cwd: '/',
      env: CHILD_ENV,
      stdio: ['ignore', start.logFd, start.logFd],
    });
    child.on('error', (error) => {
      reject(explainSpawnError(error, binary));
    });
    child.on('spawn', () => {
      // This process may end without it: the next start takes the server over.
      child.unref();
      if (child.pid !== undefined) resolve(child.pid);
    });
  });
}

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

/**
 * Ends the server and waits until it is gone: rolls back what is open and writes a checkpoint, or, if
 * that takes too long, stops at once and leaves the rest to recovery.
 * @throws EmbeddedPostgresError if it outlives both
 */
export async function stopPostmaster(clusterFolder: string, fastStopMs = FAST_STOP_MS): Promise<void> {
  const first = await findPostmaster(clusterFolder);
  if (first.state !== 'running') return;
  const server = first.identity;
  if (await endsAfter(server, 'SIGINT', fastStopMs)) return;
  // It may have ended since, and its pid be another process's, even another server's.
  const again = await findPostmaster(clusterFolder);
  if (again.state !== 'running' || !isDeepStrictEqual(again.identity, server)) return;
  if (await endsAfter(server, 'SIGQUIT', IMMEDIATE_STOP_MS)) return;
  const pid = String(server.pid);
  throw new EmbeddedPostgresError(
    `The database server (process ${pid}) does not stop. End it with "kill -9 ${pid}"; the next start recovers its data.`,
  );
}

async function endsAfter(server: ProcessIdentity, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
  try {
    process.kill(server.pid, signal);
  } catch (error) {
    if (errorCodeOf(error) === 'ESRCH') return true;
    throw error;
  }
  const deadline = Date.now() + waitMs;
  while (await isSameProcess(server)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
