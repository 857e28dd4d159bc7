import { expect } from '@jest/globals';
import { ledgerDifferences } from '../../support/service.js';
import type { AccountSampler } from './account-sampler.js';
import type { ChaosPostgres } from './postgres.js';

/** The four accounts of a team. */
export interface Account {
  readonly allocated: number;
  readonly available: number;
  readonly held: number;
  readonly consumed: number;
}

/** Nothing was wrong at any instant that was looked at, and `verify-ledger` finds nothing now. */
export async function expectSoundBooks(postgres: ChaosPostgres, sampler: AccountSampler): Promise<number> {
  const samples = await sampler.stop();
  expect(samples.faults).toEqual([]);
  expect(samples.count).toBeGreaterThan(0);
  expect(await ledgerDifferences(postgres.url)).toEqual([]);
  return samples.count;
}

export async function accountOf(postgres: ChaosPostgres, teamId: string): Promise<Account> {
  const [account] = await postgres.query<Account>(
    `SELECT (-issued)::int AS allocated, available::int, held::int, consumed::int
       FROM credit_accounts WHERE team_id = $1`,
    [teamId],
  );
  if (account === undefined) throw new Error(`The team ${teamId} has no account.`);
  return account;
}

/** How many transfers of a kind each job has; jobs without one are left out. */
export async function transfersOfJobs(
  postgres: ChaosPostgres,
  teamId: string,
  kind: 'hold' | 'capture' | 'release',
): Promise<ReadonlyMap<string, number>> {
  const rows = await postgres.query<{ job_id: string; transfers: number }>(
    `SELECT job_id, count(*)::int AS transfers
       FROM credit_transfers transfers JOIN credit_holds holds USING (team_id, hold_id)
      WHERE team_id = $1 AND kind = $2 GROUP BY job_id`,
    [teamId, kind],
  );
  return new Map(rows.map((row) => [row.job_id, row.transfers]));
}
