import { randomUUID } from 'node:crypto';
import { chmod, chown, cp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { makeFolders, readTree, type TreeEntry } from './folder-tree.js';
import { findBlockingFolder, statOrNull, type ServerUser } from './postgres-user.js';

const WRITABLE_BY_OTHERS = 0o022;
/** Far longer than a copy takes: what is older was left by a process that was killed while it copied. */
const LEFTOVER_AGE_MS = 10 * 60_000;

/**
 * A copy of the binaries at a place the server's user can reach. Root's own and writable by nobody else:
 * whoever could change a file of it could run code as the database and read every team's data. Called
 * by root only.
 */
export async function copyForServerUser(
  source: string,
  copiesFolder: string,
  version: string,
  user: ServerUser,
): Promise<{ folder: string; isNew: boolean }> {
  await ensureTrustedFolder(dirname(copiesFolder), user);
  await ensureTrustedFolder(copiesFolder, user);
  const target = join(copiesFolder, version);
  const sourceTree = await readTree(source);
  if (await isCompleteCopy(sourceTree, target)) return { folder: target, isNew: false };

  await removeLeftovers(copiesFolder);
  const fresh = `${target}.new-${randomUUID()}`;
  try {
    // Relative links stay relative; resolved ones would lead back to where the user cannot go.
    await cp(source, fresh, { recursive: true, verbatimSymlinks: true });
    await setModes(fresh);
    await moveIn(fresh, target, sourceTree);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return { folder: target, isNew: true };
}

/** Same files, same sizes, root's, readable by everybody and writable by root alone. */
async function isCompleteCopy(source: readonly TreeEntry[], target: string): Promise<boolean> {
  if ((await statOrNull(target)) === null) return false;
  const copied = new Map((await readTree(target)).map(({ path, stats }) => [path, stats]));
  return source.every(({ path, stats }) => {
    const copy = copied.get(path);
    if (copy?.uid !== 0 || (copy.mode & 0o170000) !== (stats.mode & 0o170000)) return false;
    if (stats.isSymbolicLink()) return true;
    if (stats.isFile() && copy.size !== stats.size) return false;
    return (copy.mode & 0o777) === modeFor(path, stats.isDirectory());
  });
}

function modeFor(path: string, isFolder: boolean): number {
  return isFolder || path.startsWith('bin/') ? 0o755 : 0o644;
}

async function setModes(folder: string): Promise<void> {
  for (const { path, stats } of await readTree(folder)) {
    if (stats.isSymbolicLink()) continue;
    await chown(join(folder, path), 0, 0);
    await chmod(join(folder, path), modeFor(path, stats.isDirectory()));
  }
}

/** By rename, so that a copy under its final name is always whole; two copiers at once are both right. */
async function moveIn(fresh: string, target: string, source: readonly TreeEntry[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await rename(fresh, target);
      return;
    } catch (error) {
      const isTaken = ['ENOTEMPTY', 'EEXIST'].includes(errorCodeOf(error) ?? '');
      if (!isTaken || attempt === 3) throw error;
    }
    if (await isCompleteCopy(source, target)) return;
    const broken = `${target}.old-${randomUUID()}`;
    await rename(target, broken);
    await rm(broken, { recursive: true, force: true });
  }
}

async function removeLeftovers(copiesFolder: string): Promise<void> {
  for (const entry of await readdir(copiesFolder)) {
    if (!/\.(new|old)-/.test(entry)) continue;
    const path = join(copiesFolder, entry);
    const stats = await statOrNull(path);
    if (stats === null || Date.now() - stats.ctimeMs < LEFTOVER_AGE_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}

async function ensureTrustedFolder(folder: string, user: ServerUser): Promise<void> {
  for (const made of await makeFolders(folder)) await chmod(made, 0o755);
  const stats = await stat(folder);
  const blocking = await findBlockingFolder(folder, user);
  if (blocking !== null) {
    throw new EmbeddedPostgresError(
      `The user "${user.name}", as which Postgres runs, cannot enter ${blocking}. Run "chmod o+x ${blocking}", or set DATABASE_URL to a Postgres of your own.`,
    );
  }
  if (stats.uid !== 0 || (stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new EmbeddedPostgresError(
      `Others than root may write to ${folder}, so it cannot hold the server's binaries. Run "chown root ${folder}" and "chmod go-w ${folder}", or set DATABASE_URL to a Postgres of your own.`,
    );
  }
}
