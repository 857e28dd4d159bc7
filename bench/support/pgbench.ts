import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../test/support/server-process.ts';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

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
  /** Completions of each client. */
  readonly turns: number;
  /** The number of the first job. */
  readonly first: number;
  /** Beyond which it is ended. */
  readonly maxSeconds: number;
}

export interface PgbenchResult {
  readonly seconds: number;
  /** The average time of each statement, as pgbench prints it. */
  readonly statements: string;
}

/** @throws Error if a transaction failed, or if it takes too long */
export async function runPgbench(run: PgbenchRun): Promise<PgbenchResult> {
  const { code, output } = await runCommand('timeout', [
    ...['--kill-after=5', String(run.maxSeconds), run.program],
    ...['--no-vacuum', '--report-per-command', '--protocol=extended', '--file', run.scriptFile],
    ...['--client', String(run.clients), '--jobs', String(Math.min(run.clients, availableParallelism()))],
    ...['--transactions', String(run.turns)],
    ...['--define', `first=${String(run.first)}`, '--define', 'turn=-1'],
    ...['--define', `clients=${String(run.clients)}`],
    run.databaseUrl,
  ]);
  const transactions = run.turns * run.clients;
  const [, perSecond] = /^tps = ([\d.]+)/m.exec(output) ?? [];
  if (code !== 0 || perSecond === undefined || !output.includes(`processed: ${String(transactions)}/`)) {
    throw new Error(`pgbench ended with ${String(code)}:\n${output}`);
  }
  return {
    seconds: transactions / Number(perSecond),
    statements: output.slice(output.indexOf('statement latencies')),
  };
}
