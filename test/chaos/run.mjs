// Runs the chaos scenarios, in rounds with a seed each, and ends what a broken-off round left behind.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isSameProcess } from '../../dist/src/database/embedded/process-identity.js';

const USAGE = `npm run chaos -- [options]
  --short            small sizes, as in .ci/run; otherwise the large ones
  --scenario NAME    only the files whose name contains it, such as model or database-crash
  --seed N           of the first round; each further round adds 1000
  --path P           of the model test: where it failed, as printed; needs --seed and runs the model only
  --operations N     of the model test
  --logs FOLDER      keeps there what the processes of the service write
  --runs N           rounds; 1 unless --minutes is given
  --minutes M        no round begins after M minutes; a running one is ended after M minutes and its own bound
`;

/** A round that takes longer hangs. */
const ROUND_BOUND_MS = { short: 15 * 60_000, long: 90 * 60_000 };
/** For Jest to end what it started, before it is killed. */
const GRACE_MS = 20_000;

/** The model test takes a seed for each of its batches. */
const SEEDS_PER_ROUND = 1_000;

const ROOT = resolve(import.meta.dirname, '../..');

function readOptions() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      seed: { type: 'string' },
      path: { type: 'string' },
      operations: { type: 'string' },
      logs: { type: 'string' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  for (const name of ['seed', 'operations', 'runs', 'minutes']) {
    const value = values[name];
    if (value !== undefined && !/^\d{1,10}$/.test(value)) throw new Error(`--${name} takes a whole number.`);
  }
  if (values.path !== undefined && values.seed === undefined) throw new Error('--path needs --seed.');
  return values;
}

/** @returns Jest's exit code */
async function runRound(options, seed, work) {
  const processes = join(work, `processes-${seed}`);
  const scenario = options.path === undefined ? options.scenario : 'model';
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'node_modules/jest/bin/jest.js'),
      ...['--selectProjects', 'chaos'],
      // A short run is for being quick, a long one for figures that mean something.
      ...(options.short ? ['--maxWorkers', '2'] : ['--runInBand']),
      ...(scenario === undefined ? [] : ['--testPathPatterns', `test/chaos/.*${scenario}`]),
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        CHAOS_SIZE: options.short ? 'short' : 'long',
        CHAOS_SEED: String(seed),
        CHAOS_PROCESSES: processes,
        ...(options.logs !== undefined && { CHAOS_LOGS: resolve(options.logs) }),
        ...(options.path !== undefined && { CHAOS_PATH: options.path }),
        ...(options.operations !== undefined && { CHAOS_OPERATIONS: options.operations }),
      },
    },
  );
  const bound = setTimeout(
    () => {
      console.error('The round takes too long and is ended.');
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
    },
    options.short ? ROUND_BOUND_MS.short : ROUND_BOUND_MS.long,
  );
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const [code] = await once(child, 'exit');
  clearTimeout(bound);
  process.off('SIGINT', forward).off('SIGTERM', forward);
  await endLeftovers(processes);
  return code ?? 1;
}

/** Only processes that the round itself noted, and that are still the same ones. */
async function endLeftovers(file) {
  if (!existsSync(file)) return;
  for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
    const identity = JSON.parse(line);
    if (!(await isSameProcess(identity))) continue;
    console.error(`Ending process ${identity.pid}, which the round left behind.`);
    // To a database this is an immediate shutdown, and the end to anything else.
    process.kill(identity.pid, 'SIGQUIT');
  }
}

const options = readOptions();
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const firstSeed = options.seed === undefined ? randomInt(2 ** 31) : Number(options.seed);
const runs = Number(options.runs ?? (options.minutes === undefined ? 1 : Number.MAX_SAFE_INTEGER));
const deadline = Date.now() + Number(options.minutes ?? Number.MAX_SAFE_INTEGER / 120_000) * 60_000;
const work = await mkdtemp(join(tmpdir(), 'chaos-run-'));
let exitCode = 0;
try {
  for (let round = 0; round < runs && (round === 0 || Date.now() < deadline) && exitCode === 0; round += 1) {
    const seed = firstSeed + round * SEEDS_PER_ROUND;
    const size = options.short ? ' --short' : '';
    console.log(`chaos | round ${round + 1} | replay with: npm run chaos --${size} --seed ${seed}`);
    exitCode = await runRound(options, seed, work);
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
process.exit(exitCode);
