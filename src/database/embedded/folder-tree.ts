import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import { errorCodeOf } from './embedded-postgres.error.js';
import { ENTER, mayAccess, pathSteps, READ, statOrNull, type ServerUser } from './postgres-user.js';

export interface TreeEntry {
  /** Relative to the folder; '' is the folder itself. */
  readonly path: string;
  readonly stats: Stats;
}

/** A folder with everything below it, links not followed. */
export async function readTree(folder: string): Promise<TreeEntry[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(['', ...names].map(async (path) => ({ path, stats: await lstat(join(folder, path)) })));
}

/** The first part of the tree that the user cannot read, for folders also enter. */
export async function findUnreadable(folder: string, user: ServerUser): Promise<string | null> {
  for (const { path, stats } of await readTree(folder)) {
    const needed = stats.isDirectory() || path.startsWith('bin/') ? READ | ENTER : READ;
    if (!stats.isSymbolicLink() && !mayAccess(stats, user, needed)) return join(folder, path);
  }
  return null;
}

/**
 * Makes a folder with its missing parents and answers those it made, topmost first. Step by step, because
 * node's recursive mkdir tries for ever where a file system refuses with ENOENT, as /proc does.
 */
export async function makeFolders(folder: string): Promise<string[]> {
  const made: string[] = [];
  for (const step of pathSteps(folder)) {
    if ((await statOrNull(step)) !== null) continue;
    try {
      await mkdir(step);
      made.push(step);
    } catch (error) {
      // Another process made it in the same moment.
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    }
  }
  return made;
}
