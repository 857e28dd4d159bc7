import { constants } from 'node:fs';
import { rename, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { openOwnFile } from './own-file.js';
import { isRoot } from './postgres-user.js';

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
  let handle = await openForAppending(path);
  if ((await handle.stat()).size > maxBytes) {
    await handle.close();
    await rename(path, `${path}.1`);
    handle = await openForAppending(path);
  }
  if (isRoot()) {
    // A log that root starts in somebody's folder must stay theirs to write.
    const folder = await stat(dataDir);
    await handle.chown(folder.uid, folder.gid);
  }
  return { path, handle, offset: (await handle.stat()).size };
}

async function openForAppending(path: string): Promise<FileHandle> {
  return openOwnFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
}

/** The last lines written since the log was opened. */
export async function readLogTail(log: Pick<ServerLog, 'path' | 'offset'>): Promise<string> {
  const file = await openOwnFile(log.path, constants.O_RDONLY);
  try {
    return lastLines((await file.readFile()).subarray(log.offset).toString('utf8'));
  } finally {
    await file.close();
  }
}

/** As much of an output as an operator reads, and never nothing: the message promises a reason. */
export function lastLines(text: string): string {
  const trimmed = text.trimEnd();
  return trimmed === '' ? '(It wrote nothing.)' : trimmed.split('\n').slice(-TAIL_LINES).join('\n');
}
