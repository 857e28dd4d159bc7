import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';

/** Whom the server runs as when we are root. Null stands for "as we are", the case of everybody else. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Postgres refuses to run as root. The users come from the system as it is; none is ever created.
 * @throws EmbeddedPostgresError where there is neither
 */
export async function findSystemUser(): Promise<ServerUser> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const user = userFromPasswd(passwd, 'postgres') ?? userFromPasswd(passwd, 'nobody');
  if (user !== null) return user;
  throw new EmbeddedPostgresError(
    'Postgres does not run as root, and this machine has neither a user "postgres" nor a user "nobody" to run it as. Start as another user, or set DATABASE_URL to a Postgres of your own.',
  );
}

export function userFromPasswd(passwd: string, name: string): ServerUser | null {
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry !== name || uid === undefined || gid === undefined) continue;
    // macOS writes the uid of nobody as -2; the kernel knows it as an unsigned number.
    return { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  return null;
}

/** The owner of a folder as a server user; null where there is no folder, or root owns it. */
export async function ownerOf(folder: string): Promise<ServerUser | null> {
  const stats = await statOrNull(folder);
  if (stats === null || stats.uid === 0) return null;
  return { name: `uid ${String(stats.uid)}`, uid: stats.uid, gid: stats.gid };
}

export const READ = 4;
export const ENTER = 1;

export function mayAccess(
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  user: ServerUser,
  bits: number,
): boolean {
  const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0;
  return ((stats.mode >> shift) & bits) === bits;
}

/**
 * The topmost folder on the way to `folder`, itself included, that the user cannot enter; null if the
 * way is free. Folders that do not exist yet are passed over: whoever makes them makes them open.
 */
export async function findBlockingFolder(folder: string, user: ServerUser): Promise<string | null> {
  for (const step of pathSteps(folder)) {
    const stats = await statOrNull(step);
    if (stats === null) return null;
    if (!mayAccess(stats, user, ENTER)) return step;
  }
  return null;
}

/** `/a/b` as `/`, `/a`, `/a/b`. */
export function pathSteps(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [...pathSteps(parent), folder];
}

export async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
