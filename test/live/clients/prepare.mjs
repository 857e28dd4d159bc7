#!/usr/bin/env node
// Installs the clients: `node test/live/clients/prepare.mjs`, and the live tests through `prepareClients`.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareVirtualEnvironment, VirtualEnvironmentError } from '../../../tools/virtual-environment.mjs';

const SCRIPT = fileURLToPath(import.meta.url);
const FOLDER = dirname(SCRIPT);
/** Written last, so that an installation that broke off is done again. */
const STAMP = join(FOLDER, 'node_modules', '.package-lock.sha256');
const OLDEST_PYTHON_MINOR = 10;
const INSTALL_TIMEOUT_MS = 600_000;

/**
 * Installs the clients for Node and for Python, if they are not there or if their pins have changed since.
 *
 * @returns the path of the virtual environment's Python
 */
export async function prepareClients({ onProgress = () => {} } = {}) {
  await prepareNodeClients(onProgress);
  return prepareVirtualEnvironment({
    folder: FOLDER,
    needed: "The client of OpenAI's API for Python",
    pins: 'hashed',
    oldestMinor: OLDEST_PYTHON_MINOR,
    onProgress,
  });
}

async function prepareNodeClients(onProgress) {
  const wanted = createHash('sha256')
    .update(await readFile(join(FOLDER, 'package-lock.json')))
    .digest('hex');
  if ((await readFile(STAMP, 'utf8').catch(() => null)) === wanted) return;
  onProgress("The clients of OpenAI's API for Node: installing.");
  // What npm has told a script of ours about its package must not reach this one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const child = spawn('npm', ['ci', '--no-progress'], {
    cwd: FOLDER,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INSTALL_TIMEOUT_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The clients for Node could not be installed.\n${output}`);
  await writeFile(STAMP, wanted);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === SCRIPT) {
  await prepareClients({ onProgress: (line) => console.log(line) }).catch((error) => {
    console.error(error instanceof VirtualEnvironmentError ? error.message : error);
    process.exitCode = 1;
  });
}
