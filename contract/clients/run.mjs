// Generates two clients from the contract, compiles each with a program that uses it, and runs the programs.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { FOLDER, run, tool } from '../support/commands.mjs';
import { DOCUMENT_FILE } from '../support/document.mjs';
import { ADMIN_KEY, startService } from '../support/service.mjs';

const GENERATED = join(FOLDER, 'dist');
const CLIENTS = ['hey-api', 'openapi-typescript'];
/** Their users compile with either; the second one is what the service itself is built with. */
const COMPILERS = ['typescript', 'typescript-6'];

async function step(name, command, args, environment) {
  const begin = Date.now();
  const code = await run(command, args, environment);
  if (code !== 0) throw new Error(`${name}: failed`);
  report(name, begin);
}

function report(name, begin) {
  console.log(`${name}: passed in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

/** Generated anew every time: what an earlier contract had must not hide what this one lacks. */
async function generate() {
  rmSync(GENERATED, { recursive: true, force: true });
  const begin = Date.now();
  await createClient({
    input: DOCUMENT_FILE,
    // Otherwise it would follow the nearest tsconfig.json, wherever above this package that is.
    output: { path: join(GENERATED, 'hey-api'), module: { extension: '.js' } },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent', file: false },
  });
  report('generate with hey-api', begin);
  await step('generate with openapi-typescript', tool('openapi-typescript'), [
    DOCUMENT_FILE,
    ...['--output', join(GENERATED, 'openapi-typescript', 'schema.ts')],
    ...['--redocly', join(FOLDER, 'clients', 'openapi-typescript', 'redocly.yaml')],
  ]);
}

async function compile() {
  for (const client of CLIENTS) {
    for (const compiler of COMPILERS) {
      const program = join(FOLDER, 'node_modules', compiler, 'bin', 'tsc');
      await step(`compile ${client} with ${compiler}`, process.execPath, [
        program,
        ...['--project', join(FOLDER, 'clients', client)],
      ]);
    }
  }
}

async function runChains() {
  const service = await startService();
  try {
    for (const client of CLIENTS) {
      const program = join(GENERATED, 'compiled', 'clients', client, 'chain.js');
      const environment = { BASE_URL: service.baseUrl, ADMIN_KEY };
      await step(`run ${client}`, process.execPath, [program], environment);
    }
  } finally {
    await service.stop();
  }
}

try {
  await generate();
  await compile();
  await runChains();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
