#!/usr/bin/env node
// Installs what the Python applications need: `node examples/prepare.mjs`, and the live tests through
// `prepareExamples`.
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareVirtualEnvironment, VirtualEnvironmentError } from '../tools/virtual-environment.mjs';

const SCRIPT = fileURLToPath(import.meta.url);
const OLDEST_PYTHON_MINOR = 10;

/**
 * Makes the virtual environment if there is none, or if requirements.txt has changed since.
 *
 * @returns the path of its Python
 */
export async function prepareExamples({ onProgress = () => {} } = {}) {
  return prepareVirtualEnvironment({
    folder: dirname(SCRIPT),
    needed: 'The packages of the example applications',
    pins: 'wheels',
    oldestMinor: OLDEST_PYTHON_MINOR,
    onProgress,
  });
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === SCRIPT) {
  await prepareExamples({ onProgress: (line) => console.log(line) }).catch((error) => {
    console.error(error instanceof VirtualEnvironmentError ? error.message : error);
    process.exitCode = 1;
  });
}
