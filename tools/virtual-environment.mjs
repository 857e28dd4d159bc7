// Makes the virtual environments of the Python programs that are run here, each beside its pinned packages.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.14', 'python'];
const INSTALL_TIMEOUT_MS = 900_000;
const PROBE_TIMEOUT_MS = 10_000;
const SHOWN_LOG_LINES = 20;

/** How pip is told to take what the file lists, and nothing else. */
const PIP_FLAGS = {
  // The file lists everything that is needed. Without --no-deps, pip looks at the newest release of a package that
  // another names with an extra, and refuses it, because only the pinned release has a hash.
  hashed: ['--no-deps', '--require-hashes'],
  // Wheels only, so that nothing is built on the machine.
  wheels: ['--only-binary', ':all:'],
};

/** A failure that its sentence explains: a command line prints it without a stack. */
export class VirtualEnvironmentError extends Error {}

/**
 * Makes `.venv` in a folder if there is none, or if requirements.txt in the same folder has changed since.
 *
 * @param options.needed what the packages are, at the beginning of a sentence
 * @param options.pins `hashed` for a file with a hash for every package, `wheels` for one without
 * @param options.newestMinor Infinity where no Python is too new
 * @returns the path of its Python
 */
export async function prepareVirtualEnvironment({
  folder,
  needed,
  pins,
  oldestMinor,
  newestMinor = Infinity,
  onProgress = () => {},
}) {
  const venv = join(folder, '.venv');
  const python = join(venv, 'bin', 'python');
  const requirements = join(folder, 'requirements.txt');
  // Written last, so that an installation that broke off is done again.
  const stamp = join(venv, 'requirements.sha256');

  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const installed = await readFile(stamp, 'utf8').catch(() => null);
  // Its Python is a link, which an upgrade of the system's Python breaks.
  if (installed === wanted && (await outputOf(python, '')) !== null) return python;

  const ofSystem = await findPython({ needed, oldestMinor, newestMinor });
  onProgress(`${needed}: installing into ${relative(ROOT, venv)}; this can take a minute or two.`);
  await rm(venv, { recursive: true, force: true });
  await mkdir(venv, { recursive: true });
  const log = join(venv, 'install.log');
  await runLogged(ofSystem, ['-m', 'venv', venv], { log, needed });
  const install = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check'];
  await runLogged(python, [...install, ...PIP_FLAGS[pins], '-r', requirements], { log, needed });
  await writeFile(stamp, wanted);
  return python;
}

/** A name may exist and still not run, as the shims of version managers do; and Debian ships no ensurepip. */
async function findPython({ needed, oldestMinor, newestMinor }) {
  for (const name of PYTHONS) {
    const version = await outputOf(name, 'import ensurepip, sys; print(*sys.version_info[:2])');
    const [major, minor] = (version ?? '').trim().split(' ').map(Number);
    if (major === 3 && minor >= oldestMinor && minor <= newestMinor) return name;
  }
  const versions = newestMinor === Infinity ? 'or newer' : `to 3.${newestMinor}`;
  throw new VirtualEnvironmentError(
    `${needed}: Python 3.${oldestMinor} ${versions} with its venv module is needed, and none of ` +
      `${PYTHONS.join(', ')} is one. Install it (on Debian: python3 and python3-venv) and start again.`,
  );
}

/** What a program prints; null if it cannot be started, fails, or does not come to an end. */
async function outputOf(python, program) {
  const child = spawn(python, ['-c', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_TIMEOUT_MS,
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  return (await exitCodeOf(child, 'close')) === 0 ? text : null;
}

async function runLogged(command, args, { log, needed }) {
  const output = await open(log, 'a');
  // Inside a virtual environment the setting for user-wide installations is an error.
  const env = { ...process.env, PIP_USER: '0' };
  const stdio = ['ignore', output.fd, output.fd];
  const child = spawn(command, args, { env, stdio, timeout: INSTALL_TIMEOUT_MS });
  const kill = () => child.kill('SIGKILL');
  // An installation that outlives its starter would write into the next one's folder.
  process.once('exit', kill);
  const code = await exitCodeOf(child, 'exit');
  process.removeListener('exit', kill);
  await output.close();
  if (code === 0) return;
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-SHOWN_LOG_LINES);
  throw new VirtualEnvironmentError(
    `${needed}: could not be installed.\n${[...lines, `(all of it: ${log})`].join('\n')}`,
  );
}

/** Null if the program could not be started or was ended by a signal. */
async function exitCodeOf(child, event) {
  return new Promise((settle) => child.once('error', () => settle(null)).once(event, settle));
}
