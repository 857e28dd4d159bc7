import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import type { ServerUser } from './postgres-user.js';
import { commandLineOf, exists, isRunning, workingFolderOf } from './process-identity.js';
import { childIdentity, CHILD_ENV, explainSpawnError } from './server-process.js';

export const PID_FILE = 'postmaster.pid';

const POLL_MS = 20;
/** A fast shutdown ends with a checkpoint, which may have much to write. */
const FAST_STOP_MS = 20_000;
/** An immediate shutdown gives its children five seconds before it kills them. */
const IMMEDIATE_STOP_MS = 10_000;

/** What postmaster.pid says; the server fills in the later lines as it comes up. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number | null;
  readonly isReady: boolean;
}

export type FoundPostmaster =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly file: PostmasterFile }
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

/** Tells a server of this cluster from a dead one and from another program that got its pid. */
export async function findPostmaster(clusterFolder: string): Promise<FoundPostmaster> {
  const file = await readPostmasterFile(clusterFolder);
  if (file === null) return { state: 'none' };
  if (!(await isRunning(file.pid))) return { state: 'stale', isPidTaken: exists(file.pid) };
  if (await isPostmasterOf(file.pid, clusterFolder)) return { state: 'running', file };
  return { state: 'stale', isPidTaken: true };
}

/** In doubt yes: to call a running server stale would be the worse mistake. */
async function isPostmasterOf(pid: number, clusterFolder: string): Promise<boolean> {
  const command = await commandLineOf(pid);
  if (command !== null && !/(^|\/)(postgres|postmaster)( |$)/.test(command)) return false;
  if (command?.includes(` -D ${clusterFolder} `) === true) return true;
  // A server works in its cluster; this one may have been started by hand, with other arguments.
  const folder = await workingFolderOf(pid);
  return folder === null || folder === clusterFolder;
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
    // findPostmaster recognises the server by this beginning.
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

/**
 * Ends the server and waits until it is gone: rolls back what is open and writes a checkpoint, or, if
 * that takes too long, stops at once and leaves the rest to recovery.
 * @throws EmbeddedPostgresError if it outlives both
 */
export async function stopPostmaster(clusterFolder: string): Promise<void> {
  const found = await findPostmaster(clusterFolder);
  if (found.state !== 'running') return;
  const { pid } = found.file;
  if (await endsAfter(pid, 'SIGINT', FAST_STOP_MS)) return;
  if (await endsAfter(pid, 'SIGQUIT', IMMEDIATE_STOP_MS)) return;
  throw new EmbeddedPostgresError(
    `The database server (process ${String(pid)}) does not stop. End it with "kill -9 ${String(pid)}"; the next start recovers its data.`,
  );
}

async function endsAfter(pid: number, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCodeOf(error) === 'ESRCH') return true;
    throw error;
  }
  const deadline = Date.now() + waitMs;
  while (await isRunning(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
