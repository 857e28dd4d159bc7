import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from './embedded-postgres.error.js';
import { isSameProcess, type ProcessIdentity } from './process-identity.js';

export type UseMode = 'own' | 'attach';

/** One process's use of the database; a process may have several. */
export interface DatabaseUser extends ProcessIdentity {
  readonly id: string;
  readonly mode: UseMode;
}

export interface DatabaseUsers {
  /** A command started the server for itself: the last command to end stops it. */
  readonly stopWhenUnused: boolean;
  readonly users: readonly DatabaseUser[];
}

const NOBODY: DatabaseUsers = { stopWhenUnused: false, users: [] };

/** Who uses the database of a data directory. Read and written under the directory's lock only. */
export class DatabaseUsersFile {
  private readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, 'postgres-users.json');
  }

  /** Leaves out processes that ended without a word, and later ones that got their pids. */
  async readLiving(): Promise<DatabaseUsers> {
    const state = await this.read();
    const living = await Promise.all(state.users.map((user) => isSameProcess(user)));
    return { ...state, users: state.users.filter((_, index) => living[index]) };
  }

  /** Replaces the file in one step, so that a kill leaves the old or the new list, never half of one. */
  async write(state: DatabaseUsers): Promise<void> {
    if (state.users.length === 0) {
      await rm(this.path, { force: true });
      return;
    }
    const next = `${this.path}.${randomUUID()}`;
    await writeFile(next, `${JSON.stringify(state, null, 2)}\n`);
    await rename(next, this.path);
  }

  private async read(): Promise<DatabaseUsers> {
    try {
      return parseUsers(await readFile(this.path, 'utf8'));
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return NOBODY;
      throw error;
    }
  }
}

/** A file that does not parse survived a power failure, after which none of its processes runs. */
export function parseUsers(text: string): DatabaseUsers {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return NOBODY;
  }
  if (typeof value !== 'object' || value === null || !('users' in value) || !Array.isArray(value.users)) {
    return NOBODY;
  }
  const users = (value.users as unknown[]).filter(isUser);
  return { stopWhenUnused: 'stopWhenUnused' in value && value.stopWhenUnused === true, users };
}

function isUser(value: unknown): value is DatabaseUser {
  if (typeof value !== 'object' || value === null) return false;
  const user = value as Partial<Record<keyof DatabaseUser, unknown>>;
  return (
    typeof user.id === 'string' &&
    typeof user.pid === 'number' &&
    typeof user.startMark === 'string' &&
    (user.mode === 'own' || user.mode === 'attach')
  );
}
