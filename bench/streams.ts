// Many streams at once through the service, beside the same ones straight from the upstream. See README.md.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toTable } from './support/figures.ts';
import { processTimeMs } from './support/processor-time.ts';
import { ServiceClient } from './support/service-client.ts';
import type { StreamResults } from './support/stream-load.ts';
import {
  type BenchSandbox,
  openFileLimit,
  type ProbeState,
  ProcessProbe,
  runLoad,
  startSandbox,
} from './support/stream-processes.ts';
import { MASTER_KEY, openWorkbench, query, type Workbench } from './support/workbench.ts';

const USAGE = `npm run bench:streams -- [options]
  --streams N      at once; 1000
  --seconds N      that each of them takes; 20
  --ramp N         seconds over which they are opened; 15
  --teams N        that open them in turn; 50. Each opening and each end locks its team's account
  --cpu-prof DIR   keeps a profile of the service's processor time there
`;

/** Between the chunks of one stream. */
const CHUNK_MS = 100;
const POOL_SIZE = 16;
/** For code to be compiled and connections to be open. */
const WARM_UP_STREAMS = 20;

interface Options {
  readonly streams: number;
  readonly seconds: number;
  readonly rampSeconds: number;
  readonly teams: number;
  readonly profileDir: string | null;
}

interface Measured extends StreamResults {
  readonly sandboxMs: number;
}

interface Through extends Measured {
  readonly serviceMs: number;
  readonly before: ProbeState;
  readonly after: ProbeState;
}

interface Target {
  readonly url: string;
  readonly keys: readonly string[];
  readonly model: string;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      ramp: { type: 'string', default: '15' },
      teams: { type: 'string', default: '50' },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    streams: wholeNumber('streams', values.streams, 1, 5_000),
    seconds: wholeNumber('seconds', values.seconds, 1, 300),
    rampSeconds: wholeNumber('ramp', values.ramp, 0, 60),
    teams: wholeNumber('teams', values.teams, 1, 1_000),
    profileDir: values['cpu-prof'] ?? null,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${String(least)} to ${String(most)}.`);
}

function modelOf({ seconds }: Options): string {
  return `fault-chunks-${String((seconds * 1000) / CHUNK_MS)}+chunk-delay-${String(CHUNK_MS)}`;
}

async function load(target: Target, options: Options, sandbox: BenchSandbox): Promise<Measured> {
  const { streams, seconds, rampSeconds } = options;
  const before = await processTimeMs(sandbox.pid);
  const rampMs = 1000 * rampSeconds;
  const results = await runLoad({ ...target, streams, rampMs, deadlineMs: 60_000 + 3_000 * seconds });
  return { ...results, sandboxMs: ((await processTimeMs(sandbox.pid)) ?? NaN) - (before ?? NaN) };
}

async function throughService(
  workbench: Workbench,
  sandbox: BenchSandbox,
  options: Options,
): Promise<Through> {
  const databaseUrl = await workbench.createDatabase('bench_streams');
  const probe = new ProcessProbe(join(workbench.folder, 'probe.json'));
  const server = await workbench.startService(databaseUrl, POOL_SIZE, {
    LITELLM_BASE_URL: sandbox.baseUrl,
    ...probe.environment(options.profileDir),
  });
  const keys = await prepareTeams(server.baseUrl, options);
  const target = { url: `${server.baseUrl}/v1/chat/completions`, keys, model: 'BenchStream' };
  const warmUp = Math.min(WARM_UP_STREAMS, options.streams);
  await load(target, { ...options, streams: warmUp, rampSeconds: 0 }, sandbox);
  const serviceTime = async (): Promise<number> => (await processTimeMs(server.process.pid ?? 0)) ?? NaN;
  const before = await probe.restart(server.process);
  const startedMs = await serviceTime();
  const results = await load(target, options, sandbox);
  const serviceMs = (await serviceTime()) - startedMs;
  const after = await probe.read();
  await server.end('SIGTERM');
  await checkBooks(workbench, databaseUrl, results, results.done + warmUp);
  return { ...results, serviceMs, before, after };
}

/** @returns a key of each team, all of which have credits for all streams */
async function prepareTeams(baseUrl: string, options: Options): Promise<string[]> {
  const client = new ServiceClient(baseUrl, 1);
  await client.post('/api/organizations/create', MASTER_KEY, { organization_id: 'bench', name: 'Bench' });
  await client.post('/api/model-groups/create', MASTER_KEY, {
    group_name: 'BenchStream',
    models: [{ model_name: modelOf(options), priority: 0 }],
  });
  const keys: string[] = [];
  for (let number = 0; number < options.teams; number += 1) {
    const team = await client.post('/api/teams/create', MASTER_KEY, {
      organization_id: 'bench',
      team_id: `bench-${String(number)}`,
      model_groups: ['BenchStream'],
      credits_allocated: 2 * options.streams,
    });
    keys.push(team['virtual_key'] as string);
  }
  await client.close();
  return keys;
}

/** Figures of streams that are not on record as they were read would mean nothing. */
async function checkBooks(
  workbench: Workbench,
  databaseUrl: string,
  { promptTokens, completionTokens, done }: StreamResults,
  expected: number,
): Promise<void> {
  await workbench.verifyLedger(databaseUrl);
  const [found] = await query<{ calls: number }>(
    databaseUrl,
    `SELECT count(*)::int AS calls FROM llm_calls JOIN jobs USING (team_id, job_id)
      WHERE llm_calls.status = 'succeeded' AND is_stream AND NOT is_estimated AND NOT is_unpriced
        AND llm_calls.prompt_tokens = $1 AND llm_calls.completion_tokens = $2
        AND jobs.status = 'completed' AND credits_charged = 1`,
    [promptTokens / done, completionTokens / done],
  );
  if (found?.calls !== expected) {
    throw new Error(
      `Of ${String(expected)} streams, ${String(found?.calls)} are on record as they were read.`,
    );
  }
}

/** @param share from 0 to 1 */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function rowOf(name: string, measured: Measured, serviceMs: number | null): Record<string, string> {
  const { firstByteMs, frames, sandboxMs, processorMs } = measured;
  const perFrame = (ms: number): string => ((1000 * ms) / frames).toFixed(1);
  return {
    streams: name,
    'first byte p50 ms': quantile(firstByteMs, 0.5).toFixed(1),
    'p95 ms': quantile(firstByteMs, 0.95).toFixed(1),
    frames: String(frames),
    'service µs/frame': serviceMs === null ? '' : perFrame(serviceMs),
    'upstream µs/frame': perFrame(sandboxMs),
    'client µs/frame': perFrame(processorMs),
  };
}

function print(direct: Measured, through: Through): void {
  const added = (share: number): string =>
    (quantile(through.firstByteMs, share) - quantile(direct.firstByteMs, share)).toFixed(1);
  const rows = [rowOf('straight', direct, null), rowOf('through the service', through, through.serviceMs)];
  console.log(toTable(rows));
  console.log(`First byte: p50 ${added(0.5)} ms and p95 ${added(0.95)} ms later than straight.`);
  const { before, after, done } = through;
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const perStream = (after.peakRssBytes - before.rssBytes) / done / 1024;
  console.log(
    `Memory of the service: ${mebibytes(before.rssBytes)} MiB before, ${mebibytes(after.peakRssBytes)} MiB at its ` +
      `peak, so ${perStream.toFixed(0)} KiB for each stream.\n` +
      `Delay of its event loop: p50 ${after.delayP50Ms.toFixed(1)} ms, p99 ${after.delayP99Ms.toFixed(1)} ms.\n` +
      `On record with the usage that they told: all ${String(done)} streams that ended with [DONE].`,
  );
}

/** Streams that failed left room to the others, so that figures beside them say little. @returns how many there are */
function printErrors(name: string, { errors }: Measured): number {
  const kinds = new Map<string, number>();
  for (const error of errors) kinds.set(error, (kinds.get(error) ?? 0) + 1);
  for (const [error, count] of kinds) console.log(`Failed ${name}: ${String(count)} by ${error}`);
  return errors.length;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const limit = await openFileLimit();
  console.log(
    `${String(options.streams)} streams of ${String(options.seconds)} s, by ${String(options.teams)} teams, opened over ${String(options.rampSeconds)} s. ` +
      `Open files: at most ${limit ?? 'unknown'}; database connections: ${String(POOL_SIZE)}.`,
  );
  const workbench = await openWorkbench();
  let sandbox: BenchSandbox | null = null;
  const stop = async (): Promise<void> => {
    await workbench.stop();
    await sandbox?.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void stop().finally(() => process.exit(1));
    });
  }
  try {
    sandbox = await startSandbox();
    const target = {
      url: `${sandbox.baseUrl}/v1/chat/completions`,
      keys: ['sk-bench'],
      model: modelOf(options),
    };
    await load(
      target,
      { ...options, streams: Math.min(WARM_UP_STREAMS, options.streams), rampSeconds: 0 },
      sandbox,
    );
    const direct = await load(target, options, sandbox);
    const through = await throughService(workbench, sandbox, options);
    print(direct, through);
    const failed = printErrors('straight', direct) + printErrors('through the service', through);
    console.log(`Errors: ${String(failed)}.`);
    if (failed > 0) process.exitCode = 1;
  } finally {
    await stop();
  }
}

await main();
