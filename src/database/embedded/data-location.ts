import { createHash, randomBytes } from 'node:crypto';
import { chmod, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CLUSTER_FOLDER, findPassword } from './cluster.js';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { makeFolders } from './folder-tree.js';
import {
  ENTER,
  findBlockingFolder,
  findSystemUser,
  isRoot,
  mayAccess,
  ownerOf,
  statOrNull,
  type ServerUser,
} from './postgres-user.js';

/** Where root keeps what the server's user must reach but a checkout in root's home hides. */
export const SYSTEM_FOLDER = '/var/lib/jobs-over-litellm';

/** In the folder that was asked for: the path of the folder that is used instead. */
const POINTER_FILE = 'data-folder';

export interface DataLocation {
  /** The folder really used; a real path, because the server's command line is recognised by it. */
  readonly dataDir: string;
  /** Null: the server runs as this process does. */
  readonly user: ServerUser | null;
}

export interface DataLocationRequest {
  readonly dataDir: string;
  readonly isDefaultDataDir: boolean;
  readonly systemFolder: string;
  readonly onNotice: (message: string) => void;
}

/** Where the data of a folder is, without making anything; null where there is none yet. */
export async function findData(dataDir: string): Promise<DataLocation | null> {
  const asked = await realPathOf(dataDir);
  const used = (await readPointer(asked)) ?? asked;
  if ((await statOrNull(used)) === null) return null;
  const owner = await ownerOf(join(used, CLUSTER_FOLDER));
  return { dataDir: used, user: isRoot() ? (owner ?? (await findSystemUser())) : null };
}

/**
 * Decides where the data goes and makes that folder. An existing cluster decides first, so that the next
 * start finds the same data: root runs it as its owner, wherever it is.
 * @throws EmbeddedPostgresError where the server's user cannot get to an explicitly chosen folder
 */
export async function prepareDataLocation(request: DataLocationRequest): Promise<DataLocation> {
  const asked = await realPathOf(request.dataDir);
  if (!isRoot()) {
    await makeFolders(asked);
    await refuseForeignCluster(asked);
    return { dataDir: asked, user: null };
  }
  const pointed = await readPointer(asked);
  if (pointed !== null) return useMovedFolder(pointed, asked, request);

  const owner = await ownerOf(join(asked, CLUSTER_FOLDER));
  const user = owner ?? (await findSystemUser());
  const blocking = await findBlockingFolder(dirname(asked), user);
  if (blocking === null) {
    await makeEnterable(asked, user, request.isDefaultDataDir);
    return { dataDir: asked, user };
  }
  // A cluster that was moved below a closed folder must not be hidden behind a new, empty one.
  if (!request.isDefaultDataDir || owner !== null) throw cannotEnter(asked, blocking, user);
  return useMovedFolder(await pointElsewhere(asked, request.systemFolder), asked, request);
}

async function useMovedFolder(
  moved: string,
  asked: string,
  request: DataLocationRequest,
): Promise<DataLocation> {
  const user = (await ownerOf(join(moved, CLUSTER_FOLDER))) ?? (await findSystemUser());
  const blocking = await findBlockingFolder(dirname(moved), user);
  if (blocking !== null) throw cannotEnter(moved, blocking, user);
  await makeEnterable(moved, user, true);
  request.onNotice(
    `Postgres does not run as root, and its user "${user.name}" cannot enter ${asked}: the data is in ${moved}.`,
  );
  return { dataDir: moved, user };
}

/**
 * The name tells the checkout; its random part makes the data go with the folder that points to it: a
 * checkout that is deleted and cloned anew at the same path starts empty, as it does everywhere else.
 */
async function pointElsewhere(asked: string, systemFolder: string): Promise<string> {
  const hash = createHash('sha256').update(asked).digest('hex').slice(0, 12);
  const moved = join(systemFolder, 'data', `${hash}-${randomBytes(3).toString('hex')}`);
  await makeFolders(asked);
  try {
    await writeFile(join(asked, POINTER_FILE), `${moved}\n`, { flag: 'wx', flush: true });
    return moved;
  } catch (error) {
    const other = errorCodeOf(error) === 'EEXIST' ? await readPointer(asked) : null;
    if (other === null) throw error;
    // Another process pointed elsewhere in the same moment.
    return other;
  }
}

/** Only root moved data and only root follows: anybody else's file could lead root's process anywhere. */
async function readPointer(asked: string): Promise<string | null> {
  if (!isRoot()) return null;
  const path = join(asked, POINTER_FILE);
  const stats = await statOrNull(path);
  if (stats?.uid !== 0) return null;
  const pointed = (await readFile(path, 'utf8')).trim();
  return pointed.startsWith('/') ? pointed : null;
}

/** Folders that we make are open to the server's user whatever the umask; of existing ones only our own. */
async function makeEnterable(folder: string, user: ServerUser, isOurs: boolean): Promise<void> {
  const made = await makeFolders(folder);
  for (const step of made) await chmod(step, 0o711);
  const stats = await stat(folder);
  if (mayAccess(stats, user, ENTER)) return;
  if (!isOurs && (await findPassword(folder)) === null) throw cannotEnter(folder, folder, user);
  await chmod(folder, (stats.mode & 0o7777) | 0o011);
}

async function refuseForeignCluster(dataDir: string): Promise<void> {
  const stats = await statOrNull(join(dataDir, CLUSTER_FOLDER));
  if (stats === null || stats.uid === process.geteuid?.()) return;
  throw new EmbeddedPostgresError(
    `The database in ${dataDir} belongs to another user (uid ${String(stats.uid)}). Start as that user, or set DATA_DIR to another folder.`,
  );
}

function cannotEnter(folder: string, blocking: string, user: ServerUser): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `Postgres does not run as root, and its user "${user.name}" cannot enter ${blocking}, so the data directory ${folder} does not work. Run "chmod o+x ${blocking}", or set DATA_DIR to a folder that every user may enter.`,
  );
}

/** The real path of a folder of which the last parts need not exist yet. */
async function realPathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT' || dirname(absolute) === absolute) throw error;
    return join(await realPathOf(dirname(absolute)), absolute.slice(dirname(absolute).length));
  }
}
