import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { openOwnFile } from './own-file.js';
import { statOrNull, type ServerUser } from './postgres-user.js';
import { childIdentity, CHILD_ENV, explainSpawnError } from './postmaster.js';
import { lastLines } from './server-log.js';

export const CLUSTER_FOLDER = 'postgres';
const PASSWORD_FILE = 'postgres-password';
export const SUPERUSER = 'postgres';

/** Unfinished creations and deletions; nobody looks for data in folders of these names. */
const NEW_PREFIX = 'postgres.new-';
const REMOVED_PREFIX = 'postgres.removed-';
const LEFTOVER = /^postgres\.(new|removed)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The form of our passwords; it tells our file from one of another program that has the same name. */
const PASSWORD = /^[\w-]{32}$/;

export interface ClusterPlace {
  readonly dataDir: string;
  readonly user: ServerUser | null;
  readonly onNotice: (message: string) => void;
}

/**
 * Whether there is a complete cluster: a folder of this name only ever comes from a finished creation.
 * Asked before anything is done to a cluster or its server.
 * @throws EmbeddedPostgresError for one that is not ours, which a mistyped DATA_DIR may lead to
 */
export async function hasCluster(dataDir: string): Promise<boolean> {
  const folder = join(dataDir, CLUSTER_FOLDER);
  if ((await statOrNull(folder)) === null) return false;
  if ((await statOrNull(join(folder, 'PG_VERSION'))) !== null) {
    await readPassword(dataDir);
    return true;
  }
  if ((await readdir(folder)).length === 0) return false;
  throw new EmbeddedPostgresError(
    `The folder ${folder} holds something that is not a Postgres database. Move it away, or set DATA_DIR to another folder.`,
  );
}

/** The binaries read only what their own major version wrote. */
export async function refuseOtherVersion(dataDir: string, binariesVersion: string): Promise<void> {
  const folder = join(dataDir, CLUSTER_FOLDER);
  const written = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim();
  const [major] = binariesVersion.split('.');
  if (written === major) return;
  throw new EmbeddedPostgresError(
    `The database in ${folder} was written by Postgres ${written}, and the embedded server is Postgres ${String(major)}. Install the earlier release to dump it, or set DATA_DIR to another folder to start empty.`,
  );
}

/**
 * Makes the cluster beside its place and renames it in at the end. The rename is the marker: what an
 * interruption leaves has another name and is thrown away, and a complete cluster is never touched.
 */
export async function createCluster(place: ClusterPlace, nativeFolder: string): Promise<void> {
  if (await removeLeftovers(place.dataDir)) {
    place.onNotice('An earlier creation of the database was interrupted; it starts over.');
  }
  const password = await ensurePassword(place.dataDir);
  const workFolder = join(place.dataDir, `${NEW_PREFIX}${randomUUID()}`);
  const cluster = join(workFolder, 'cluster');
  const passwordFile = join(workFolder, 'password');
  await mkdir(workFolder, { mode: 0o700 });
  try {
    // initdb runs as the server's user and takes the password from a file, never from its command line.
    const file = await openOwnFile(passwordFile, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
    await file.writeFile(password).finally(() => giveAway(file, place.user));
    const { O_DIRECTORY, O_NOFOLLOW } = constants;
    await giveAway(await open(workFolder, O_DIRECTORY | O_NOFOLLOW), place.user);
    await runInitdb(join(nativeFolder, 'bin', 'initdb'), cluster, passwordFile, place.user);
    await rename(cluster, join(place.dataDir, CLUSTER_FOLDER));
    await syncFolder(place.dataDir);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** @throws EmbeddedPostgresError where there is no password of ours beside the cluster */
export async function readPassword(dataDir: string): Promise<string> {
  const password = await findPassword(dataDir);
  if (password !== null) return password;
  throw new EmbeddedPostgresError(
    `The database in ${join(dataDir, CLUSTER_FOLDER)} is not of this service's making, or its password is missing: ${join(dataDir, PASSWORD_FILE)}. Put that file back, or set DATA_DIR to another folder.`,
  );
}

/**
 * Null where there is none yet.
 * @throws EmbeddedPostgresError for a file that is not ours
 */
export async function findPassword(dataDir: string): Promise<string | null> {
  const path = join(dataDir, PASSWORD_FILE);
  const password = await readIfExists(path);
  if (password === null || PASSWORD.test(password)) return password;
  throw new EmbeddedPostgresError(
    `The file ${path} is not the one that this service made. Put that one back, or set DATA_DIR to another folder.`,
  );
}

/** Renames first, so that an interruption leaves no half-deleted cluster under the cluster's name. */
export async function removeCluster(dataDir: string): Promise<void> {
  await rename(join(dataDir, CLUSTER_FOLDER), join(dataDir, `${REMOVED_PREFIX}${randomUUID()}`));
  await syncFolder(dataDir);
  await rm(join(dataDir, PASSWORD_FILE), { force: true });
  await removeLeftovers(dataDir);
}

async function ensurePassword(dataDir: string): Promise<string> {
  const existing = await findPassword(dataDir);
  if (existing !== null) return existing;
  // Letters that a URL carries as they are.
  const password = randomBytes(24).toString('base64url');
  const file = await openOwnFile(join(dataDir, PASSWORD_FILE), constants.O_WRONLY | constants.O_CREAT);
  try {
    await file.chmod(0o600);
    await file.truncate();
    await file.writeFile(password);
    await file.sync();
  } finally {
    await file.close();
  }
  return password;
}

async function readIfExists(path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await openOwnFile(path, constants.O_RDONLY);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const text = (await file.readFile('utf8')).trim();
    return text === '' ? null : text;
  } finally {
    await file.close();
  }
}

/** Through the descriptor: in a folder that somebody else owns, a name may lead elsewhere a moment later. */
async function giveAway(file: FileHandle, user: ServerUser | null): Promise<void> {
  try {
    if (user !== null) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
}

/** Whether an unfinished creation was among them. An initdb that outlived its parent may still write into
 * one; it is then removed the next time. */
export async function removeLeftovers(dataDir: string): Promise<boolean> {
  const leftovers = (await readdir(dataDir)).filter((entry) => LEFTOVER.test(entry));
  for (const entry of leftovers) {
    await rm(join(dataDir, entry), { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  }
  return leftovers.some((entry) => entry.startsWith(NEW_PREFIX));
}

/** Postgres' own collation provider sorts and folds alike on every machine, whatever locales it has. */
async function runInitdb(
  initdb: string,
  cluster: string,
  passwordFile: string,
  user: ServerUser | null,
): Promise<void> {
  const args = [
    ...['-D', cluster, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--no-instructions'],
  ];
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(initdb, args, {
      ...childIdentity(user),
      cwd: '/',
      env: CHILD_ENV,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
    }
    child.on('error', (error) => {
      reject(explainSpawnError(error, initdb));
    });
    child.on('close', (exitCode, signal) => {
      if (signal !== null) output.push(`initdb was ended by ${signal}.`);
      resolve(exitCode);
    });
  });
  if (code === 0) return;
  const detail = lastLines(output.join(''));
  const uid = user?.uid ?? process.geteuid?.() ?? -1;
  throw new EmbeddedPostgresError(explainFailedInitdb(detail, dirname(dirname(cluster)), uid), { detail });
}

/** @param detail initdb's own lines, in English by its environment */
export function explainFailedInitdb(detail: string, dataDir: string, uid: number): string {
  if (/No space left on device/.test(detail)) {
    return `The disk of ${dataDir} is full, so the embedded database was not created. Make room, or set DATA_DIR to a folder on another disk.`;
  }
  if (/could not look up effective user ID/.test(detail)) {
    return `The embedded database cannot be created by uid ${String(uid)}, which has no entry in /etc/passwd. Add one, start as a user that has one, or set DATABASE_URL to a Postgres of your own.`;
  }
  return `The embedded database could not be created in ${dataDir}; initdb's last lines say why. Mend that, or set DATABASE_URL to a Postgres of your own.`;
}

/** Without it a power failure could undo the rename after the database has already taken data. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
