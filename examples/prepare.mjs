#!/usr/bin/env node
// Installs what the Python applications need: `node examples/prepare.mjs`, and the live tests through
// `prepareExamples`.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(import.meta.url);
const FOLDER = dirname(SCRIPT);
const VENV = join(FOLDER, '.venv');
const VENV_PYTHON = join(VENV, 'bin', 'python');
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
/** Written last, so that an installation that broke off is done again. */
const STAMP = join(VENV, 'requirements.sha256');

const PYTHONS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const OLDEST_PYTHON_MINOR = 10;
const INSTALL_TIMEOUT_MS = 600_000;
const PROBE_TIMEOUT_MS = 10_000;
const SHOWN_LOG_LINES = 20;

/** A failure that its sentence explains: the command line prints it without a stack. */
class PrepareError extends Error {}

/**
 * Makes the virtual environment if there is none, or if requirements.txt has changed since.
 *
 * @returns the path of its Python
 */
export async function prepareExamples({ onProgress = () => {} } = {}) {
  const wanted = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  const installed = await readFile(STAMP, 'utf8').catch(() => null);
  // Its Python is a link, which an upgrade of the system's Python breaks.
  if (installed === wanted && (await runs(VENV_PYTHON, 'pass'))) return VENV_PYTHON;

  const python = await findPython();
  onProgress('Installing the packages of the example applications into examples/.venv.');
  await rm(VENV, { recursive: true, force: true });
  await mkdir(VENV, { recursive: true });
  const log = join(VENV, 'install.log');
  await runLogged(python, ['-m', 'venv', VENV], log);
  // Wheels only, so that nothing is built on the machine.
  const install = [
    '-m',
    'pip',
    'install',
    '--no-input',
    '--disable-pip-version-check',
    '--only-binary',
    ':all:',
  ];
  await runLogged(VENV_PYTHON, [...install, '-r', REQUIREMENTS], log);
  await writeFile(STAMP, wanted);
  return VENV_PYTHON;
}

/** A name may exist and still not run, as the shims of version managers do; and Debian ships no ensurepip. */
async function findPython() {
  const script = `import ensurepip, sys; sys.exit(not (3, ${OLDEST_PYTHON_MINOR}) <= sys.version_info < (4,))`;
  for (const name of PYTHONS) {
    if (await runs(name, script)) return name;
  }
  throw new PrepareError(
    `The applications need Python 3.${OLDEST_PYTHON_MINOR} or newer with its venv module, and none of ` +
      `${PYTHONS.join(', ')} is one. Install it (on Debian: python3 and python3-venv) and try again.`,
  );
}

async function runs(python, script) {
  const child = spawn(python, ['-c', script], { stdio: 'ignore', timeout: PROBE_TIMEOUT_MS });
  return (await exitCodeOf(child)) === 0;
}

async function runLogged(command, args, log) {
  const output = await open(log, 'a');
  // Inside a virtual environment the setting for user-wide installations is an error.
  const env = { ...process.env, PIP_USER: '0' };
  const stdio = ['ignore', output.fd, output.fd];
  const code = await exitCodeOf(spawn(command, args, { env, stdio, timeout: INSTALL_TIMEOUT_MS }));
  await output.close();
  if (code === 0) return;
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-SHOWN_LOG_LINES);
  throw new PrepareError(`The packages could not be installed.\n${lines.join('\n')}\n(all of it: ${log})`);
}

/** Null if the program could not be started or was ended by a signal. */
async function exitCodeOf(child) {
  return new Promise((settle) => child.once('error', () => settle(null)).once('exit', settle));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === SCRIPT) {
  await prepareExamples({ onProgress: (line) => console.log(line) }).catch((error) => {
    console.error(error instanceof PrepareError ? error.message : error);
    process.exitCode = 1;
  });
}
