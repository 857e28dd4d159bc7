import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CreditsService } from '../../src/credits/credits.service.js';
import { newGrant } from '../../src/credits/credits.types.js';
import { Transactions } from '../../src/database/transactions.js';
import { query } from '../support/database.js';
import { makeTeam, type TestTeam } from '../support/factories.js';
import { startTestService, type TestService } from '../support/service.js';

describe('the credit ledger', () => {
  let service: TestService;
  let credits: CreditsService;
  let transactions: Transactions;

  beforeAll(async () => {
    service = await startTestService();
    credits = service.app.get(CreditsService, { strict: false });
    transactions = service.app.get(Transactions, { strict: false });
  });
  afterAll(() => service.stop());

  const hold = (team: TestTeam, jobId: string, amount: number) =>
    transactions.run((manager) =>
      credits.hold(manager, { teamId: team.teamId, jobId, jobType: 'analysis' }, amount),
    );

  const remainders = async (team: TestTeam) =>
    (
      await query<{ remaining: string }>(
        service.database.url,
        'SELECT remaining FROM credit_grants WHERE team_id = $1 ORDER BY grant_id',
        [team.teamId],
      )
    ).map((row) => Number(row.remaining));

  it('draws a hold from several grants, oldest first, and gives it back to the same ones', async () => {
    const team = await makeTeam(service, { credits: 3 });
    await credits.addCredits(team.teamId, newGrant({ credits: 4, kind: 'allocation', reason: null }));
    await credits.addCredits(team.teamId, newGrant({ credits: 5, kind: 'allocation', reason: null }));
    const jobId = randomUUID();
    const balance = await hold(team, jobId, 8);
    expect(balance).toMatchObject({ allocated: 12, held: 8, available: 4, remaining: 12 });
    expect(await remainders(team)).toEqual([0, 0, 4]);
    await transactions.run((manager) => credits.release(manager, { teamId: team.teamId, jobId }));
    expect(await remainders(team)).toEqual([3, 4, 5]);
  });

  it('keeps captured credits out of the grants', async () => {
    const team = await makeTeam(service, { credits: 3 });
    const jobId = randomUUID();
    await hold(team, jobId, 2);
    const { charged, balance } = await transactions.run((manager) =>
      credits.capture(manager, { teamId: team.teamId, jobId }, 2),
    );
    expect(charged).toBe(2);
    expect(balance).toMatchObject({ used: 2, held: 0, available: 1, remaining: 1 });
    expect(await remainders(team)).toEqual([1]);
  });

  it('leaves nothing behind when a hold is refused', async () => {
    const team = await makeTeam(service, { credits: 3 });
    await expect(hold(team, randomUUID(), 4)).rejects.toMatchObject({
      code: 'insufficient_credits',
      details: { credits_required: 4, credits_available: 3 },
    });
    const [{ count }] = (await query<{ count: string }>(
      service.database.url,
      'SELECT count(*) FROM credit_holds WHERE team_id = $1',
      [team.teamId],
    )) as [{ count: string }];
    expect(Number(count)).toBe(0);
  });

  it('ends a hold once, whatever comes after', async () => {
    const team = await makeTeam(service, { credits: 3 });
    const job = { teamId: team.teamId, jobId: randomUUID() };
    await hold(team, job.jobId, 1);
    const ends = await Promise.allSettled([
      transactions.run((manager) => credits.capture(manager, job, 1)),
      transactions.run((manager) => credits.release(manager, job)),
      transactions.run((manager) => credits.capture(manager, job, 1)),
    ]);
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
  });

  it('numbers the transfers of a team without a gap, also under contention', async () => {
    const team = await makeTeam(service, { credits: 10 });
    await Promise.allSettled(Array.from({ length: 30 }, () => hold(team, randomUUID(), 1)));
    const rows = await query<{ sequence: string; kind: string }>(
      service.database.url,
      'SELECT sequence, kind FROM credit_transfers WHERE team_id = $1 ORDER BY sequence',
      [team.teamId],
    );
    expect(rows.map((row) => Number(row.sequence))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(rows.map((row) => row.kind)).toEqual(['allocation', ...Array.from({ length: 10 }, () => 'hold')]);
  });

  it.each([
    `UPDATE credit_transfers SET credits = credits + 1`,
    `DELETE FROM credit_transfers`,
    `TRUNCATE credit_transfers`,
    `TRUNCATE teams CASCADE`,
  ])('refuses %s', async (sql) => {
    await makeTeam(service, { credits: 1 });
    await expect(query(service.database.url, sql)).rejects.toThrow('append-only');
  });

  it('refuses a second booking of one grant, and of one end, in the database itself', async () => {
    const team = await makeTeam(service, { credits: 3 });
    const jobId = randomUUID();
    await hold(team, jobId, 1);
    await transactions.run((manager) => credits.release(manager, { teamId: team.teamId, jobId }));
    const copy = (kind: string, changes: string) =>
      query(
        service.database.url,
        `INSERT INTO credit_transfers
         (transfer_id, team_id, sequence, kind, debit_account, credit_account, credits, grant_id, hold_id,
          created_at, remaining_after)
         SELECT gen_random_uuid(), team_id, 100, ${changes}, credits, grant_id, hold_id, now(), 0
           FROM credit_transfers WHERE team_id = $1 AND kind = $2`,
        [team.teamId, kind],
      );
    await expect(copy('allocation', `kind, debit_account, credit_account`)).rejects.toThrow(
      'credit_transfers_grant_key',
    );
    await expect(copy('hold', `'capture', 'held', 'consumed'`)).rejects.toThrow(
      'credit_transfers_hold_end_key',
    );
    await expect(copy('hold', `'hold', 'held', 'available'`)).rejects.toThrow('credit_transfers_kind_check');
  });

  it('cannot show a balance below nothing, or books that do not balance', async () => {
    const team = await makeTeam(service, { credits: 3 });
    const update = (set: string) =>
      query(service.database.url, `UPDATE credit_accounts SET ${set} WHERE team_id = $1`, [team.teamId]);
    await expect(update('available = -1, held = 4')).rejects.toThrow('credit_accounts_available_check');
    await expect(update('available = available + 1')).rejects.toThrow('credit_accounts_balanced_check');
  });

  it('covers what was overdrawn with whatever comes back or comes in, from whichever job', async () => {
    const team = await makeTeam(service, { credits: 2 });
    await credits.setOverdraftLimit(team.teamId, 20);
    const [paid, overdrawn, open] = [randomUUID(), randomUUID(), randomUUID()];
    const end = (jobId: string, due: number) =>
      transactions.run((manager) => credits.capture(manager, { teamId: team.teamId, jobId }, due));
    const overdrafts = async () =>
      (
        await query<{ overdrawn: string }>(
          service.database.url,
          `SELECT overdrawn FROM credit_accounts WHERE team_id = $1
           UNION ALL SELECT sum(overdrawn) FROM credit_holds WHERE team_id = $1`,
          [team.teamId],
        )
      ).map((row) => Number(row.overdrawn));
    await hold(team, paid, 2);
    await hold(team, overdrawn, 5);
    await end(overdrawn, 5);
    await hold(team, open, 3);
    expect(await overdrafts()).toEqual([8, 8]);
    // One of the two credits of the grant comes back and covers one of the five.
    expect(await end(paid, 1)).toMatchObject({ charged: 1, balance: { used: 6, held: 3, available: -7 } });
    expect(await overdrafts()).toEqual([7, 7]);
    expect(await remainders(team)).toEqual([0]);
    // What was only overdrawn brings nothing back.
    await transactions.run((manager) => credits.release(manager, { teamId: team.teamId, jobId: open }));
    expect(await overdrafts()).toEqual([4, 4]);
    await credits.addCredits(team.teamId, newGrant({ credits: 10, kind: 'allocation', reason: null }));
    expect(await overdrafts()).toEqual([0, 0]);
    expect(await remainders(team)).toEqual([0, 6]);
  });
});
