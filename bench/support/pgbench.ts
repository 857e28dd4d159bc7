import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Stretch } from './figures.ts';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/**
 * Transactions for each client that are not counted, in each run: a new connection has nothing of the
 * catalogue at hand, while those of the service's pool have.
 */
export const WARM_UP_TURNS = 2;

/** Where pgbench is: in the path, or where Debian installs it; null if there is none. */
export function findPgbench(): string | null {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    ...versions
      .sort((one, other) => Number(other) - Number(one))
      .map((version) => join(DEBIAN_FOLDER, version, 'bin')),
  ];
  return folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file)) ?? null;
}

export interface PgbenchRun {
  readonly program: string;
  readonly databaseUrl: string;
  readonly scriptFile: string;
  readonly clients: number;
  /** Transactions of each client, those of the warm-up included. */
  readonly turns: number;
  /** The number of the first job. */
  readonly first: number;
  /** Beyond which it is ended. */
  readonly maxSeconds: number;
}

export interface PgbenchResult {
  /** Without the warm-up. */
  readonly stretch: Stretch;
  /** The average time of each statement, as pgbench prints it. */
  readonly statements: string;
}

/** @throws Error if a transaction failed, or if it takes too long */
export async function runPgbench(run: PgbenchRun): Promise<PgbenchResult> {
  const logPrefix = `${run.scriptFile}.log`;
  const { stdout } = await promisify(execFile)(
    run.program,
    [
      ...['--no-vacuum', '--protocol=extended', '--file', run.scriptFile],
      ...['--report-per-command', '--log', '--log-prefix', logPrefix],
      ...['--client', String(run.clients), '--jobs', String(Math.min(run.clients, availableParallelism()))],
      ...['--transactions', String(run.turns)],
      ...['--define', `first=${String(run.first)}`, '--define', 'turn=-1'],
      ...['--define', `clients=${String(run.clients)}`],
      run.databaseUrl,
    ],
    { timeout: run.maxSeconds * 1000, env: { PATH: process.env['PATH'] } },
  );
  const transactions = String(run.turns * run.clients);
  if (!stdout.includes(`processed: ${transactions}/${transactions}\n`)) {
    throw new Error(`pgbench did not complete every job:\n${stdout}`);
  }
  return {
    stretch: stretchOf(await takeLog(logPrefix), WARM_UP_TURNS * run.clients),
    statements: stdout.slice(stdout.indexOf('statement latencies')),
  };
}

/** When each transaction ended, in seconds, in order. Removes the files, one for each thread. */
async function takeLog(prefix: string): Promise<number[]> {
  const ends: number[] = [];
  for (const name of await readdir(dirname(prefix))) {
    if (!name.startsWith(`${basename(prefix)}.`)) continue;
    const file = join(dirname(prefix), name);
    for (const line of (await readFile(file, 'utf8')).trimEnd().split('\n')) {
      const [seconds = NaN, microseconds = NaN] = line.split(' ').slice(4, 6).map(Number);
      ends.push(seconds + microseconds / 1e6);
    }
    await rm(file);
  }
  return ends.sort((one, other) => one - other);
}

/** From the end of the warm-up to the end of all. @param warmUp its transactions */
function stretchOf(ends: readonly number[], warmUp: number): Stretch {
  return { count: ends.length - warmUp, seconds: (ends.at(-1) ?? NaN) - (ends[warmUp - 1] ?? NaN) };
}
