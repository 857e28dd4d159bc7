// Completions per second over HTTP, beside pgbench running the same statements. See README.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { captureScript, ROUND_TRIPS } from './support/completion-script.ts';
import { describe, type Figures, type Stretch, toTable } from './support/figures.ts';
import { HttpSide } from './support/http-side.ts';
import { findPgbench, runPgbench, WARM_UP_TURNS } from './support/pgbench.ts';
import { countCompleted, type OpenJob, prepareJobs, writeJobTable } from './support/preparation.ts';
import { familyTimeMs, processTimeMs } from './support/processor-time.ts';
import { ServiceClient } from './support/service-client.ts';
import { openWorkbench, type Workbench } from './support/workbench.ts';

const USAGE = `npm run bench:completions -- [options]
  --seconds N      of requests over HTTP, for each case; 10
  --connections N  of the client, of the service's pool and of pgbench; 16
  --jobs N         at most, for each case; 500 for each second
  --statements     prints what pgbench says about each statement
`;

/** HTTP and pgbench take turns, so that what disturbs the machine for a while disturbs both. */
const SLICES = 5;
/** Not counted: the first requests find code that is not compiled and connections that are not open. */
const MIN_WARM_UP_JOBS = 300;
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
    connections: wholeNumber('connections', values.connections, 2, 200),
    jobs: wholeNumber('jobs', values.jobs ?? String(500 * seconds), 100, 500_000),
    hasStatements: values.statements,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${String(least)} to ${String(most)}.`);
}

/** As many as pgbench needs for its own warm-up, so that the jobs suffice for both. */
function warmUpJobs(connections: number): number {
  return Math.max(MIN_WARM_UP_JOBS, SLICES * WARM_UP_TURNS * connections);
}

async function measure(
  workbench: Workbench,
  { database, teams }: (typeof CASES)[number],
  options: Options,
  pgbench: string | null,
): Promise<Figures> {
  const { connections, seconds } = options;
  const databaseUrl = await workbench.createDatabase(database);
  const { jobs, script } = await prepare(workbench, databaseUrl, teams, options);
  const scriptFile = join(workbench.folder, `${database}.sql`);
  await writeFile(scriptFile, script);
  const copyUrl = await workbench.copyDatabase(database, `${database}_pgbench`);
  await writeJobTable(copyUrl, jobs);

  const server = await workbench.startService(databaseUrl, connections);
  const client = new ServiceClient(server.baseUrl, connections);
  const side = new HttpSide(client, jobs, connections);
  await side.warmUp(warmUpJobs(connections));
  const figures = { http: [] as Stretch[], pgbench: [] as Stretch[] };
  const spent = { serviceMs: 0, databaseMs: 0, clientMs: 0 };
  let statements = '';
  let first = 0;
  for (let slice = 0; slice < SLICES; slice += 1) {
    const before = await readTimes(workbench, server.process.pid);
    const http = await side.run(seconds / SLICES);
    const after = await readTimes(workbench, server.process.pid);
    if (http.count < connections) {
      if (slice === 0)
        throw new Error('The jobs or the time do not suffice for one request of each connection.');
      console.log(`The jobs suffice for ${String(slice)} slices only; give more of them.`);
      break;
    }
    figures.http.push(http);
    for (const name of ['serviceMs', 'databaseMs', 'clientMs'] as const) {
      spent[name] += after[name] - before[name];
    }
    if (pgbench === null) continue;
    const turns = Math.floor(http.count / connections) + WARM_UP_TURNS;
    const run = { program: pgbench, databaseUrl: copyUrl, scriptFile, clients: connections, turns, first };
    const result = await runPgbench({ ...run, maxSeconds: 30 + 10 * seconds });
    figures.pgbench.push(result.stretch);
    ({ statements } = result);
    first += turns * connections;
  }
  await client.close();
  await server.end('SIGTERM');
  await checkBooks(workbench, databaseUrl, side.completed + SAMPLE_JOBS);
  if (pgbench !== null) await checkBooks(workbench, copyUrl, first + SAMPLE_JOBS);
  if (options.hasStatements) console.log(statements);
  return { ...figures, ...spent, latenciesMs: side.latenciesMs };
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
  const all = count + warmUpJobs(connections) + SAMPLE_JOBS;
  const jobs = await prepareJobs(client, connections, { teams, jobs: all });
  const samples = new HttpSide(client, jobs.splice(0, SAMPLE_JOBS), 1);
  const script = await captureScript(workbench, () => samples.completeOne());
  await samples.warmUp(SAMPLE_JOBS - samples.completed);
  await client.close();
  // Nobody may be connected to a database that is copied.
  await server.end('SIGTERM');
  return { jobs, script };
}

/** Processor time so far; NaN where it cannot be read. */
async function readTimes(
  workbench: Workbench,
  serverPid = 0,
): Promise<Pick<Figures, 'serviceMs' | 'databaseMs' | 'clientMs'>> {
  const { user, system } = process.cpuUsage();
  return {
    serviceMs: (await processTimeMs(serverPid)) ?? NaN,
    databaseMs: (await familyTimeMs(workbench.databasePid)) ?? NaN,
    clientMs: (user + system) / 1000,
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

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const pgbench = findPgbench();
  if (pgbench === null) console.log('There is no pgbench here, so there will be no ratio.');
  const workbench = await openWorkbench();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void workbench.stop().finally(() => process.exit(1));
    });
  }
  try {
    const rows: Record<string, string>[] = [];
    for (const each of CASES) {
      console.log(`${each.name}: ${String(options.jobs)} jobs are prepared, then completed.`);
      rows.push(describe(each.name, await measure(workbench, each, options, pgbench)));
    }
    console.log(toTable(rows));
    console.log(`One completion is ${String(ROUND_TRIPS)} round trips to the database.`);
  } finally {
    await workbench.stop();
  }
}

await main();
