// Tries the contract out with Schemathesis: generated requests, sound and unsound, against a running service.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareVirtualEnvironment, VirtualEnvironmentError } from '../../tools/virtual-environment.mjs';
import { TOOL_ENVIRONMENT } from '../support/commands.mjs';
import { DOCUMENT_FILE, operationsOf, readDocument } from '../support/document.mjs';
import { ADMIN_KEY, send, startService } from '../support/service.mjs';

const FOLDER = import.meta.dirname;
const VENV = join(FOLDER, '.venv');
const VENV_PYTHON = join(VENV, 'bin', 'python');
/** What Schemathesis reads. */
const FILES = ['schemathesis.toml', 'hooks.py'];
const OLDEST_PYTHON_MINOR = 11;

const KEYS = ['admin', 'team'];
/** Requests by methods that an operation's path does not have. */
const UNDECLARED = 'undeclared methods';
/** Enough that generated requests do not use them up before the operations that need an open one are through. */
const JOBS_OF_A_KIND = 40;
/** As many as hooks.py names. */
const SPARES = 20;
const MODELS = [{ model_name: 'gpt-4o-mini' }, { model_name: 'gpt-3.5-turbo' }];

const USAGE =
  'Usage: node schemathesis/run.mjs [--max-examples <number>] [--key admin|team] [--minutes <number>] [--prepare-only]';

/** A failure that its sentence explains: the command line prints it without a stack. */
class RunError extends Error {}

/** Makes the virtual environment if there is none, or if requirements.txt has changed since. */
async function prepare() {
  await prepareVirtualEnvironment({
    folder: FOLDER,
    needed: 'The pinned Schemathesis',
    pins: 'hashed',
    oldestMinor: OLDEST_PYTHON_MINOR,
    onProgress: (line) => console.log(line),
  });
}

/** Makes what the ids in hooks.py and schemathesis.toml name. @returns the key of the team `contract-own` */
async function makeWorld({ baseUrl, folder }) {
  const admin = (path, body) => send(baseUrl, ADMIN_KEY, 'POST', path, body);
  const makeGroup = (group_name) => admin('/api/model-groups/create', { group_name, models: MODELS });
  const makeTeam = (team_id) =>
    admin('/api/teams/create', {
      organization_id: 'contract-organization',
      team_id,
      model_groups: ['contract-group'],
      credits_allocated: 1_000_000,
    });
  for (const organization_id of ['contract-organization', 'contract-resting']) {
    await admin('/api/organizations/create', { organization_id, name: 'Example Ltd' });
  }
  await makeGroup('contract-group');
  const { virtual_key: own } = await makeTeam('contract-own');
  const { virtual_key: other } = await makeTeam('contract-other');
  // Resting things may be changed and spare ones deleted without a loss to the other requests.
  for (const id of ['contract-resting', ...numbered('contract-spare', SPARES)]) {
    await makeGroup(id);
    await makeTeam(id);
  }

  const makeJob = async (key) =>
    (await send(baseUrl, key, 'POST', '/api/jobs/create', { job_type: 'summary' })).job_id;
  const makeJobs = async () => {
    const jobs = [];
    while (jobs.length < JOBS_OF_A_KIND) jobs.push(await makeJob(own));
    return jobs;
  };
  const [ended, called] = [await makeJob(own), await makeJob(own)];
  for (const job of [ended, called]) {
    const messages = [{ role: 'user', content: 'What is a contract?' }];
    const { call_id } = await send(baseUrl, own, 'POST', `/api/jobs/${job}/llm-call`, { messages });
    writeFileSync(join(folder, 'call-to-read.txt'), `${job} ${call_id}`);
  }
  await send(baseUrl, own, 'POST', `/api/jobs/${ended}/complete`, { status: 'completed' });
  const [readable, callable, endable, refundable] = [
    [ended, called, await makeJob(own), await makeJob(other)],
    await makeJobs(),
    await makeJobs(),
    await makeJobs(),
  ];
  for (const job of refundable) {
    await send(baseUrl, own, 'POST', `/api/jobs/${job}/complete`, { status: 'completed' });
  }
  writeFileSync(join(folder, 'jobs-to-read.dict'), readable.map((job) => `"${job}"\n`).join(''));
  writeFileSync(join(folder, 'jobs-to-call.txt'), callable.join('\n'));
  writeFileSync(join(folder, 'jobs-to-end.txt'), endable.join('\n'));
  writeFileSync(join(folder, 'jobs-to-refund.txt'), refundable.join('\n'));
  return own;
}

function numbered(name, count) {
  return Array.from({ length: count }, (_, number) => `${name}-${number}`);
}

/**
 * One run against a fresh service, which the requests of one key cannot spoil for the other.
 *
 * @returns whether nothing was found
 */
async function tryOut(who, { maxExamples, minutes }) {
  const begin = Date.now();
  // Kept messages can be read; without the setting there are none.
  const service = await startService({ STORE_MESSAGES: 'true' });
  try {
    const teamKey = await makeWorld(service);
    // Dictionaries and hooks are looked for beside the configuration.
    for (const name of FILES) copyFileSync(join(FOLDER, name), join(service.folder, name));
    const report = join(service.folder, 'report.ndjson');
    const code = await runSchemathesis(service, {
      key: who === 'admin' ? ADMIN_KEY : teamKey,
      options: ['--max-examples', maxExamples, '--report-ndjson-path', report],
      minutes,
    });
    const cases = existsSync(report) ? countCases(report) : new Map();
    printCases(who, cases, Math.round((Date.now() - begin) / 1000));
    const isReached = who === 'team' || reachesAll(cases);
    return code === 0 && isReached;
  } finally {
    await service.stop();
  }
}

async function runSchemathesis(service, { key, options, minutes }) {
  const config = ['--config-file', 'schemathesis.toml', '--no-color'];
  const child = spawn(
    VENV_PYTHON,
    [join(VENV, 'bin', 'st'), ...config, 'run', DOCUMENT_FILE, '--url', service.baseUrl, ...options],
    {
      cwd: service.folder,
      // The order of sets must not differ between runs of one seed either.
      env: { ...TOOL_ENVIRONMENT, API_KEY: key, PYTHONHASHSEED: '0', COLUMNS: '120' },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: minutes * 60_000,
    },
  );
  const [code, signal] = await once(child, 'close');
  if (signal !== null) console.error(`Schemathesis was stopped after ${minutes} minutes.`);
  return code;
}

/** How many requests each operation got, and how many of them it served. */
function countCases(report) {
  const cases = new Map(
    operationsOf(readDocument()).map(({ method, path }) => [`${method} ${path}`, { sent: 0, served: 0 }]),
  );
  const undeclared = { sent: 0, served: 0 };
  for (const line of readFileSync(report, 'utf8').split('\n')) {
    if (!line.startsWith('{"ScenarioFinished"')) continue;
    const { recorder } = JSON.parse(line).ScenarioFinished;
    for (const [id, { value }] of Object.entries(recorder?.cases ?? {})) {
      const count = cases.get(`${value.method} ${value.path}`) ?? undeclared;
      count.sent += 1;
      if (recorder.interactions?.[id]?.response?.status_code === 200) count.served += 1;
    }
  }
  return cases.set(UNDECLARED, undeclared);
}

function printCases(who, cases, seconds) {
  console.log(`\nWith the ${who} key: cases, of which served`);
  for (const [operation, { sent, served }] of cases) {
    console.log(`${String(sent).padStart(6)} ${String(served).padStart(6)}  ${operation}`);
  }
  const total = [...cases.values()].reduce((sum, { sent }) => sum + sent, 0);
  console.log(`${String(total).padStart(6)} cases of ${cases.size - 1} operations in ${seconds} s\n`);
}

/** A run in which an operation only ever refused has not seen what it answers. */
function reachesAll(cases) {
  const unreached = [...cases].filter(([operation, { served }]) => operation !== UNDECLARED && served === 0);
  for (const [operation] of unreached) console.error(`No request was served by ${operation}.`);
  return unreached.length === 0;
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        'max-examples': { type: 'string', default: '25' },
        minutes: { type: 'string', default: '20' },
        key: { type: 'string' },
        'prepare-only': { type: 'boolean', default: false },
      },
    });
    for (const name of ['max-examples', 'minutes']) {
      if (!/^[1-9]\d{0,4}$/.test(values[name]))
        throw new Error(`--${name} must be a whole number of 1 or more.`);
    }
    if (values.key !== undefined && !KEYS.includes(values.key)) {
      throw new Error(`--key must be one of ${KEYS.join(', ')}.`);
    }
    return values;
  } catch (error) {
    throw new RunError(`${error.message} ${USAGE}`);
  }
}

async function main() {
  const flags = readFlags();
  await prepare();
  if (flags['prepare-only']) return;
  const limits = { maxExamples: flags['max-examples'], minutes: Number(flags.minutes) };
  const failed = [];
  for (const who of KEYS.filter((key) => flags.key === undefined || flags.key === key)) {
    if (!(await tryOut(who, limits))) failed.push(who);
  }
  if (failed.length > 0) throw new RunError(`Schemathesis found something with: ${failed.join(', ')} key.`);
}

await main().catch((error) => {
  const isExplained = error instanceof RunError || error instanceof VirtualEnvironmentError;
  console.error(isExplained ? error.message : error);
  process.exitCode = 1;
});
