import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { lastLines } from './server-log.js';
import { childIdentity, CHILD_ENV, explainSpawnError } from './server-process.js';
import { statOrNull, type ServerUser } from './postgres-user.js';

export const CLUSTER_FOLDER = 'postgres';
export const PASSWORD_FILE = 'postgres-password';
export const SUPERUSER = 'postgres';

/** Unfinished creations and deletions; nobody looks for data in folders of these names. */
const NEW_PREFIX = 'postgres.new-';
const REMOVED_PREFIX = 'postgres.removed-';

export interface ClusterPlace {
  readonly dataDir: string;
  readonly user: ServerUser | null;
  readonly onNotice: (message: string) => void;
}

/** Whether there is a complete cluster: a folder of this name only ever comes from a finished creation. */
export async function hasCluster(dataDir: string): Promise<boolean> {
  const folder = join(dataDir, CLUSTER_FOLDER);
  if ((await statOrNull(folder)) === null) return false;
  if ((await statOrNull(join(folder, 'PG_VERSION'))) !== null) return true;
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
  // initdb runs as the server's user and takes the password from a file, never from its command line.
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (place.user !== null) {
    await chown(passwordFile, place.user.uid, place.user.gid);
    await chown(workFolder, place.user.uid, place.user.gid);
  }
  try {
    await runInitdb(join(nativeFolder, 'bin', 'initdb'), cluster, passwordFile, place.user);
    await rename(cluster, join(place.dataDir, CLUSTER_FOLDER));
    await syncFolder(place.dataDir);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** @throws EmbeddedPostgresError where the file that belongs to an existing cluster is gone */
export async function readPassword(dataDir: string): Promise<string> {
  const path = join(dataDir, PASSWORD_FILE);
  const password = await readIfExists(path);
  if (password !== null) return password;
  throw new EmbeddedPostgresError(
    `The password of the embedded database is missing: ${path}. Put it back, or set DATA_DIR to another folder to start empty.`,
  );
}

/**
 * Renames first, so that an interruption leaves no half-deleted cluster under the cluster's name.
 * @throws EmbeddedPostgresError for a database that is not ours, which a mistyped DATA_DIR may point to
 */
export async function removeCluster(dataDir: string): Promise<void> {
  const folder = join(dataDir, CLUSTER_FOLDER);
  if (await hasCluster(dataDir)) {
    await readPassword(dataDir);
    await rename(folder, join(dataDir, `${REMOVED_PREFIX}${randomUUID()}`));
    await syncFolder(dataDir);
  }
  await rm(join(dataDir, PASSWORD_FILE), { force: true });
  await removeLeftovers(dataDir);
}

async function ensurePassword(dataDir: string): Promise<string> {
  const path = join(dataDir, PASSWORD_FILE);
  const existing = await readIfExists(path);
  if (existing !== null) return existing;
  // Letters that a URL carries as they are.
  const password = randomBytes(24).toString('base64url');
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(password);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o600);
  return password;
}

async function readIfExists(path: string): Promise<string | null> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' ? null : text;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Whether an unfinished creation was among them. An initdb that outlived its parent may still write into
 * one; it is then removed the next time. */
async function removeLeftovers(dataDir: string): Promise<boolean> {
  const entries = await readdir(dataDir);
  for (const entry of entries) {
    if (!entry.startsWith(NEW_PREFIX) && !entry.startsWith(REMOVED_PREFIX)) continue;
    await rm(join(dataDir, entry), { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  }
  return entries.some((entry) => entry.startsWith(NEW_PREFIX));
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
    child.on('close', resolve);
  });
  if (code === 0) return;
  const dataDir = dirname(dirname(cluster));
  const detail = lastLines(output.join(''));
  throw new EmbeddedPostgresError(
    /No space left on device/.test(detail)
      ? `The disk of ${dataDir} is full, so the embedded database was not created. Make room, or set DATA_DIR to a folder on another disk.`
      : `The embedded database could not be created in ${dataDir}; initdb's last lines say why. Mend that, or set DATABASE_URL to a Postgres of your own.`,
    { detail },
  );
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
