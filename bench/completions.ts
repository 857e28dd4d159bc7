// Completions per second over HTTP, beside pgbench running the same statements. See README.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { captureScript, ROUND_TRIPS } from './support/completion-script.ts';
import { findPgbench, runPgbench } from './support/pgbench.ts';
import { countCompleted, type OpenJob, prepareJobs, writeJobTable } from './support/preparation.ts';
import { familyTimeMs, processTimeMs } from './support/processor-time.ts';
import { inParallel, ServiceClient } from './support/service-client.ts';
import { openWorkbench, type Workbench } from './support/workbench.ts';

const USAGE = `npm run bench:completions -- [options]
  --seconds N      of requests over HTTP, for each case; 10
  --connections N  of the client, of the service's pool and of pgbench; 16
  --jobs N         at most, for each case; 600 for each second
  --statements     prints what pgbench says about each statement
`;

/** HTTP and pgbench take turns, so that what disturbs the machine for a while disturbs both. */
const SLICES = 5;
/** Not counted: the first requests find code that is not compiled and connections that are not open. */
const WARM_UP_JOBS = 300;
/** For the statements to be looked at; one is enough unless a sweep comes between them. */
const SAMPLE_JOBS = 3;

const CASES = [
  { name: 'one hot team', database: 'bench_hot', teams: 1 },
  { name: '100 teams', database: 'bench_spread', teams: 100 },
] as const;

interface Options {
  readonly seconds: number;
  readonly connections: number;
  readonly jobs: number;
  readonly hasStatements: boolean;
}

/** What one side did in one slice. */
interface Slice {
  readonly count: number;
  readonly seconds: number;
  readonly databaseMs: number;
}

interface Result {
  readonly http: readonly Slice[];
  readonly pgbench: readonly Slice[];
  readonly latenciesMs: readonly number[];
  readonly serviceMs: number;
  readonly clientMs: number;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      connections: { type: 'string', default: '16' },
      jobs: { type: 'string' },
      statements: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const seconds = wholeNumber('seconds', values.seconds, 1, 600);
  return {
    seconds,
    connections: wholeNumber('connections', values.connections, 1, 200),
    jobs: wholeNumber('jobs', values.jobs ?? String(600 * seconds), 100, 500_000),
    hasStatements: values.statements,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${String(least)} to ${String(most)}.`);
}

/** Completes jobs from `next` on, for a time or until none is left. */
class HttpSide {
  readonly latenciesMs: number[] = [];
  private next = 0;

  private readonly client: ServiceClient;
  private readonly jobs: readonly OpenJob[];
  private readonly connections: number;

  constructor(client: ServiceClient, jobs: readonly OpenJob[], connections: number) {
    this.client = client;
    this.jobs = jobs;
    this.connections = connections;
  }

  /** How many jobs have been completed. */
  get completed(): number {
    return this.next;
  }

  async completeOne(): Promise<number> {
    const job = this.jobs[this.next];
    if (job === undefined) throw new Error('No job is left.');
    this.next += 1;
    const startedAt = performance.now();
    await this.client.post(`/api/jobs/${job.jobId}/complete`, job.key, { status: 'completed' });
    return performance.now() - startedAt;
  }

  async warmUp(jobs: number): Promise<void> {
    const end = this.next + jobs;
    await inParallel(this.connections, async () => {
      if (this.next >= end) return false;
      await this.completeOne();
      return true;
    });
  }

  async run(seconds: number): Promise<{ count: number; seconds: number }> {
    const first = this.next;
    const startedAt = performance.now();
    await inParallel(this.connections, async () => {
      if (this.next >= this.jobs.length || performance.now() - startedAt > seconds * 1000) return false;
      this.latenciesMs.push(await this.completeOne());
      return true;
    });
    return { count: this.next - first, seconds: (performance.now() - startedAt) / 1000 };
  }
}

async function measure(
  workbench: Workbench,
  { database, teams }: (typeof CASES)[number],
  options: Options,
  pgbench: string | null,
): Promise<Result> {
  const { connections } = options;
  const databaseUrl = await workbench.createDatabase(database);
  const { jobs, script } = await prepare(workbench, databaseUrl, teams, options);
  const scriptFile = join(workbench.folder, `${database}.sql`);
  await writeFile(scriptFile, script);
  const copyUrl = await workbench.copyDatabase(database, `${database}_pgbench`);
  await writeJobTable(copyUrl, jobs);

  const server = await workbench.startService(databaseUrl, connections);
  const client = new ServiceClient(server.baseUrl, connections);
  const side = new HttpSide(client, jobs, connections);
  await side.warmUp(WARM_UP_JOBS);
  const serverPid = server.process.pid ?? 0;
  const slices: { http: Slice[]; pgbench: Slice[] } = { http: [], pgbench: [] };
  let statements = '';
  let first = 0;
  let [serviceMs, clientMs] = [0, 0];
  for (let slice = 0; slice < SLICES; slice += 1) {
    const before = await readTimes(workbench, serverPid);
    const http = await side.run(options.seconds / SLICES);
    const after = await readTimes(workbench, serverPid);
    if (http.count < connections) break;
    slices.http.push({ ...http, databaseMs: after.databaseMs - before.databaseMs });
    serviceMs += after.serviceMs - before.serviceMs;
    clientMs += after.clientMs - before.clientMs;
    if (pgbench === null) continue;
    const turns = Math.floor(http.count / connections);
    const maxSeconds = 30 + 10 * options.seconds;
    const run = { program: pgbench, databaseUrl: copyUrl, scriptFile, clients: connections, maxSeconds };
    const result = await runPgbench({ ...run, turns, first });
    const databaseMs = (await readTimes(workbench, serverPid)).databaseMs - after.databaseMs;
    slices.pgbench.push({ count: turns * connections, seconds: result.seconds, databaseMs });
    first += turns * connections;
    ({ statements } = result);
  }
  await client.close();
  await server.end('SIGTERM');
  await checkBooks(workbench, databaseUrl, side.completed + SAMPLE_JOBS);
  if (pgbench !== null) await checkBooks(workbench, copyUrl, first + SAMPLE_JOBS);
  if (options.hasStatements) console.log(statements);
  return { ...slices, latenciesMs: side.latenciesMs, serviceMs, clientMs };
}

/** Both sides begin with what is there after it: open jobs, and a few that were completed for the script. */
async function prepare(
  workbench: Workbench,
  databaseUrl: string,
  teams: number,
  { connections, jobs: count }: Options,
): Promise<{ jobs: OpenJob[]; script: string }> {
  const server = await workbench.startService(databaseUrl, connections);
  const client = new ServiceClient(server.baseUrl, connections);
  const jobs = await prepareJobs(client, connections, { teams, jobs: count + WARM_UP_JOBS + SAMPLE_JOBS });
  const samples = new HttpSide(client, jobs.splice(0, SAMPLE_JOBS), 1);
  const script = await captureScript(workbench, () => samples.completeOne());
  await samples.warmUp(SAMPLE_JOBS - samples.completed);
  await client.close();
  // Nobody may be connected to a database that is copied.
  await server.end('SIGTERM');
  return { jobs, script };
}

async function readTimes(
  workbench: Workbench,
  serverPid: number,
): Promise<{ serviceMs: number; clientMs: number; databaseMs: number }> {
  const { user, system } = process.cpuUsage();
  return {
    serviceMs: (await processTimeMs(serverPid)) ?? NaN,
    clientMs: (user + system) / 1000,
    databaseMs: (await familyTimeMs(workbench.databasePid)) ?? NaN,
  };
}

/** Figures of completions that went wrong would mean nothing. */
async function checkBooks(workbench: Workbench, databaseUrl: string, completed: number): Promise<void> {
  await workbench.verifyLedger(databaseUrl);
  const found = await countCompleted(databaseUrl);
  if (found !== completed) {
    throw new Error(`${String(completed)} jobs were completed, and ${String(found)} are.`);
  }
}

function describe(name: string, result: Result): Record<string, string | number> {
  const http = sumOf(result.http);
  const pgbench = sumOf(result.pgbench);
  const ratios = result.pgbench.map((slice, index) => rate(result.http[index] ?? slice) / rate(slice));
  const sorted = result.latenciesMs.toSorted((one, other) => one - other);
  const hasRatio = ratios.length > 0;
  return {
    case: name,
    'HTTP/s': Math.round(rate(http)),
    'p50 ms': quantile(sorted, 0.5).toFixed(1),
    'p99 ms': quantile(sorted, 0.99).toFixed(1),
    'pgbench/s': hasRatio ? Math.round(rate(pgbench)) : '-',
    ratio: hasRatio ? (rate(http) / rate(pgbench)).toFixed(2) : '-',
    'of slices': hasRatio ? `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}` : '-',
    'service ms': perCompletion(result.serviceMs, http),
    'client ms': perCompletion(result.clientMs, http),
    'database ms': perCompletion(http.databaseMs, http),
    'under pgbench': hasRatio ? perCompletion(pgbench.databaseMs, pgbench) : '-',
    completions: http.count,
    seconds: http.seconds.toFixed(1),
  };
}

function sumOf(slices: readonly Slice[]): Slice {
  return slices.reduce(
    (sum, slice) => ({
      count: sum.count + slice.count,
      seconds: sum.seconds + slice.seconds,
      databaseMs: sum.databaseMs + slice.databaseMs,
    }),
    { count: 0, seconds: 0, databaseMs: 0 },
  );
}

function rate({ count, seconds }: Slice): number {
  return count / seconds;
}

function perCompletion(ms: number, { count }: Slice): string {
  return Number.isNaN(ms) ? '-' : (ms / count).toFixed(2);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const pgbench = findPgbench();
  if (pgbench === null) console.log('There is no pgbench here, so there will be no ratio.');
  const workbench = await openWorkbench();
  try {
    const rows: Record<string, string | number>[] = [];
    for (const each of CASES)
      rows.push(describe(each.name, await measure(workbench, each, options, pgbench)));
    console.table(rows);
    console.log(`One completion is ${String(ROUND_TRIPS)} round trips to the database.`);
  } finally {
    await workbench.stop();
  }
}

await main();
