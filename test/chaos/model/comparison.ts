import { expect } from '@jest/globals';
import type { ModelClient } from './model-client.js';

/** Everything that the model knows, compared once more, with what no route shows. */
export async function expectSameState(client: ModelClient): Promise<void> {
  const { model } = client;
  const { teamId } = model;
  const [account] = await client.query(
    `SELECT issued::int, available::int, held::int, consumed::int, expired::int, overdrawn::int, shortfall::int
       FROM credit_accounts WHERE team_id = $1`,
    [teamId],
  );
  expect(account).toEqual({ ...model.accounts, overdrawn: model.overdrawn, shortfall: model.shortfall });

  const grants = await client.query<{ grant_id: string }>(
    'SELECT grant_id, remaining::int, expired::int FROM credit_grants WHERE team_id = $1',
    [teamId],
  );
  expect(sorted(grants, 'grant_id')).toEqual(
    sorted(
      model.grants.map(({ grantId, remaining, expired }) => ({ grant_id: grantId, remaining, expired })),
      'grant_id',
    ),
  );

  const jobs = await client.query<{ job_id: string }>(
    `SELECT job_id, status, charge_rule, total_calls FROM jobs WHERE team_id = $1`,
    [teamId],
  );
  expect(sorted(jobs, 'job_id')).toEqual(
    sorted(
      model.jobs.map(({ jobId, status, chargeRule, successfulCalls, failedCalls }) => ({
        job_id: jobId,
        status,
        charge_rule: chargeRule,
        total_calls: successfulCalls + failedCalls,
      })),
      'job_id',
    ),
  );

  const holds = await client.query<{ hold: string }>(
    `SELECT concat(job_id, '/', number) AS hold, status, captured::int, refunded::int, overdrawn::int, shortfall::int
       FROM credit_holds WHERE team_id = $1`,
    [teamId],
  );
  const numbers = new Map<string, number>();
  const expected = model.holds.map(({ job, status, captured, refunded, overdrawn, shortfall }) => {
    const number = (numbers.get(job.jobId) ?? 0) + 1;
    numbers.set(job.jobId, number);
    return { hold: `${job.jobId}/${String(number)}`, status, captured, refunded, overdrawn, shortfall };
  });
  expect(sorted(holds, 'hold')).toEqual(sorted(expected, 'hold'));

  await expectSameTransactions(client);
  await expectSameBalance(client, 0);
}

export async function expectSameBalance(client: ModelClient, replica: number): Promise<void> {
  const answer = await client.get(replica, `/api/credits/teams/${client.model.teamId}/balance`);
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining(client.model.balance)]);
}

/** The whole list, page by page. */
async function expectSameTransactions(client: ModelClient): Promise<void> {
  const { model } = client;
  const found: unknown[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path = `/api/credits/teams/${model.teamId}/transactions?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { body } = await client.get(0, path);
    found.push(...(body['transactions'] as unknown[]));
    cursor = body['next_cursor'] as string | null;
  }
  const expected = model.transactions.map((transaction) => expect.objectContaining(transaction) as unknown);
  expect(found).toEqual(expected.reverse());
}

/**
 * Which of several grants that ran out in one transaction was booked first is nobody's promise, and the model
 * takes it over.
 */
export async function adoptOrderOfExpiries(client: ModelClient, adjustmentsBefore: number): Promise<void> {
  const { model } = client;
  const count = countAdjustments(client) - adjustmentsBefore;
  if (count < 2) return;
  const rows = await client.query<{ credits: number }>(
    `SELECT credits::int FROM credit_transfers WHERE team_id = $1 AND kind = 'expiry'
      ORDER BY sequence DESC LIMIT $2`,
    [model.teamId, count],
  );
  const amounts = rows.map(({ credits }) => credits).reverse();
  const known = model.transactions
    .filter(({ transaction_type: type }) => type === 'adjustment')
    .slice(-count)
    .map(({ credits_amount: credits }) => credits);
  const byAmount = (one: number, other: number): number => one - other;
  expect([...amounts].sort(byAmount)).toEqual([...known].sort(byAmount));
  model.reorderAdjustments(amounts);
}

export function countAdjustments({ model }: ModelClient): number {
  return model.transactions.filter(({ transaction_type: type }) => type === 'adjustment').length;
}

function sorted<Row extends object>(rows: readonly Row[], key: keyof Row): Row[] {
  return [...rows].sort((one, other) => (one[key] < other[key] ? -1 : 1));
}
