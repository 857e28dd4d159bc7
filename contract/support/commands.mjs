// Runs the tools of this package.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

export const FOLDER = resolve(import.meta.dirname, '..');

/** The tools write home about their use, and look for newer releases, unless told not to. */
export const TOOL_ENVIRONMENT = {
  ...process.env,
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  DO_NOT_TRACK: '1',
  NO_COLOR: '1',
};

/** The program that a package installs under `name`. */
export function tool(name) {
  return join(FOLDER, 'node_modules', '.bin', name);
}

/** Lets a program write where this one does. @returns its exit code, 1 if a signal ended it */
export async function run(command, args, environment = {}) {
  const child = spawn(command, args, {
    cwd: FOLDER,
    env: { ...TOOL_ENVIRONMENT, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return endOf(child);
}

/** Keeps what a program writes. @returns its exit code and its outputs */
export async function capture(command, args) {
  const child = spawn(command, args, {
    cwd: FOLDER,
    env: TOOL_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  return { code: await endOf(child), output, errors };
}

async function endOf(child) {
  const [code] = await once(child, 'close');
  return code ?? 1;
}
