import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLUSTER_FOLDER, hasCluster, removeCluster, removeLeftovers } from './cluster.js';
import { findData, prepareDataLocation, SYSTEM_FOLDER } from './data-location.js';
import { databaseUrl, ensureServer, LOCK_WAIT_MS, type RunningServer } from './database-server.js';
import { DatabaseUsersFile, type DatabaseUser, type UseMode } from './database-users.js';
import { withDirectoryLock } from './directory-lock.js';
import { EmbeddedPostgresError, explainSystemError } from './embedded-postgres.error.js';
import { stopPostmaster } from './postmaster.js';
import { statOrNull } from './postgres-user.js';
import { ownIdentity } from './process-identity.js';
import { logPath } from './server-log.js';

export { EmbeddedPostgresError } from './embedded-postgres.error.js';

export interface EmbeddedPostgresOptions {
  /** Absolute or relative folder; the cluster lives in <dataDir>/postgres. */
  readonly dataDir: string;
  /**
   * 'own': this process is the one server of the data directory and stops the database with itself.
   * 'attach': a command that uses a running database and leaves it running, or starts one for its own
   * duration.
   */
  readonly mode: UseMode;
  /** Nobody chose `dataDir`, so root may put the data elsewhere where the server's user cannot reach it. */
  readonly isDefaultDataDir?: boolean;
  /** Called with sentences worth telling the operator: a server taken over, a recovery, a moved folder. */
  readonly onNotice?: (message: string) => void;
  /** Extra `-c name=value` settings of a server that is started, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where root keeps binaries and data that a closed checkout would hide, for tests. */
  readonly systemFolder?: string;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** The folder really used. */
  readonly dataDir: string;
  /** Ends this use, and the server where it is this use's to end. Asked again, it gives the same answer. */
  stop(): Promise<void>;
}

/**
 * The database of a data directory, running and ready. If this process ends without `stop()`, the server
 * stays up and the next start takes it over.
 * @throws EmbeddedPostgresError for everything foreseeable
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const {
    onNotice = () => undefined,
    systemFolder = SYSTEM_FOLDER,
    settings = {},
    isDefaultDataDir = false,
  } = options;
  return explaining(options.dataDir, async () => {
    const location = await prepareDataLocation({
      dataDir: options.dataDir,
      isDefaultDataDir,
      systemFolder,
      onNotice,
    });
    const { dataDir } = location;
    const user: DatabaseUser = { ...(await ownIdentity()), id: randomUUID(), mode: options.mode };
    const server = await underLock(dataDir, async () => {
      await refuseSecondOwner(dataDir, user);
      const running = await ensureServer({ ...location, systemFolder, settings, onNotice });
      await register(dataDir, user, running, onNotice);
      return running;
    });
    let stopping: Promise<void> | null = null;
    return {
      url: databaseUrl(server),
      dataDir,
      stop: () => (stopping ??= explaining(dataDir, () => leave(dataDir, user))),
    };
  });
}

/**
 * Removes the cluster, its password and its log, so that the next start begins empty. Answers whether
 * there was a cluster; where there was none, files that only have names like ours stay.
 * @throws EmbeddedPostgresError while a service or a command uses it, and for a cluster that is not ours
 */
export async function resetEmbeddedPostgres(requestedDataDir: string): Promise<boolean> {
  return explaining(requestedDataDir, async () => {
    const location = await findData(requestedDataDir);
    if (location === null) return false;
    const { dataDir } = location;
    return underLock(dataDir, () => removeUnused(dataDir));
  });
}

async function removeUnused(dataDir: string): Promise<boolean> {
  // First of all: it refuses a cluster that is not ours, whose server is not ours to stop either.
  const isThere = await hasCluster(dataDir);
  const file = new DatabaseUsersFile(dataDir);
  const [user] = (await file.readLiving()).users;
  if (user !== undefined) {
    const who = user.mode === 'own' ? 'a server' : 'a command';
    throw new EmbeddedPostgresError(
      `The data directory ${dataDir} is in use by ${who} (process ${String(user.pid)}). Stop it first; then the data can be removed.`,
    );
  }
  if (!isThere) {
    await removeLeftovers(dataDir);
    return false;
  }
  // Left behind by a process that was killed: nobody uses it.
  await stopPostmaster(join(dataDir, CLUSTER_FOLDER));
  await file.write({ stopWhenUnused: false, users: [] });
  await removeCluster(dataDir);
  for (const log of [logPath(dataDir), `${logPath(dataDir)}.1`]) await rm(log, { force: true });
  return true;
}

async function refuseSecondOwner(dataDir: string, user: DatabaseUser): Promise<void> {
  if (user.mode !== 'own') return;
  const { users } = await new DatabaseUsersFile(dataDir).readLiving();
  const owner = users.find(({ mode }) => mode === 'own');
  if (owner === undefined) return;
  throw new EmbeddedPostgresError(
    `The data directory ${dataDir} is in use by another server (process ${String(owner.pid)}). Stop it, or set DATA_DIR to another folder.`,
  );
}

async function register(
  dataDir: string,
  user: DatabaseUser,
  server: RunningServer,
  onNotice: (message: string) => void,
): Promise<void> {
  const file = new DatabaseUsersFile(dataDir);
  const { users, stopWhenUnused } = await file.readLiving();
  const hasOwner = users.some(({ mode }) => mode === 'own');
  await file.write({
    users: [...users, user],
    // Beside an owner, who ends the server himself, and for a server found running, it is not ours to end.
    stopWhenUnused: user.mode === 'attach' && !hasOwner && (server.isNew || stopWhenUnused),
  });
  if (user.mode === 'own' && !server.isNew) {
    const [command] = users;
    onNotice(
      command === undefined
        ? `Took over the database server that an earlier run left behind (process ${String(server.pid)}).`
        : `Joined the database server (process ${String(server.pid)}) that a command (process ${String(command.pid)}) uses.`,
    );
  }
}

/** An owner takes the server with him; of commands that started one for themselves, the last one does. */
async function leave(dataDir: string, user: DatabaseUser): Promise<void> {
  // Somebody removed the folder; a server notices that within a minute and ends by itself.
  if ((await statOrNull(dataDir)) === null) return;
  await underLock(dataDir, async () => {
    const file = new DatabaseUsersFile(dataDir);
    const { users, stopWhenUnused } = await file.readLiving();
    const others = users.filter(({ id }) => id !== user.id);
    if (user.mode === 'own' || (stopWhenUnused && others.length === 0)) {
      await stopPostmaster(join(dataDir, CLUSTER_FOLDER));
    }
    await file.write({ users: others, stopWhenUnused });
  });
}

async function underLock<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  return withDirectoryLock(join(dataDir, 'postgres.lock'), LOCK_WAIT_MS, work);
}

async function explaining<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainSystemError(error, dataDir);
  }
}
