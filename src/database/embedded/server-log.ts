import { open, readFile, rename, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot, statOrNull } from './postgres-user.js';

const LOG_FILE = 'postgres.log';
const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 20;

export interface ServerLog {
  readonly path: string;
  /** Where the lines of this start begin. */
  readonly offset: number;
  readonly handle: FileHandle;
}

export function logPath(dataDir: string): string {
  return join(dataDir, LOG_FILE);
}

/**
 * Opens the file that becomes the server's output: a pipe would break when this process ends before the
 * server does. A log grown too large makes way at a start, when no server writes to it.
 */
export async function openServerLog(dataDir: string, maxBytes = MAX_BYTES): Promise<ServerLog> {
  const path = logPath(dataDir);
  const stats = await statOrNull(path);
  if (stats !== null && stats.size > maxBytes) await rename(path, `${path}.1`);
  const handle = await open(path, 'a', 0o600);
  if (isRoot()) {
    // A log that root starts in somebody's folder must stay theirs to write.
    const folder = await stat(dataDir);
    await handle.chown(folder.uid, folder.gid);
  }
  return { path, handle, offset: (await handle.stat()).size };
}

/** The last lines written since the log was opened. */
export async function readLogTail(log: Pick<ServerLog, 'path' | 'offset'>): Promise<string> {
  return lastLines((await readFile(log.path)).subarray(log.offset).toString('utf8'));
}

/** As much of an output as an operator reads. */
export function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
