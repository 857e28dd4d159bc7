import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { CreditReportsRepository } from '../../src/credits/credit-reports.repository.js';
import { CreditReportsService } from '../../src/credits/credit-reports.service.js';
import { CreditsService } from '../../src/credits/credits.service.js';
import { newGrant, type TransactionFilter } from '../../src/credits/credits.types.js';
import { Transactions } from '../../src/database/transactions.js';
import { query } from '../support/database.js';
import { makeTeam } from '../support/factories.js';
import { startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

describe('the history of credits', () => {
  let service: TestService;
  let credits: CreditsService;
  let reports: CreditReportsService;
  let transactions: Transactions;
  const clock = new TestClock(new Date('2026-03-01T00:00:00.000Z'));

  beforeAll(async () => {
    service = await startTestService({ clock });
    credits = service.app.get(CreditsService, { strict: false });
    reports = service.app.get(CreditReportsService, { strict: false });
    transactions = service.app.get(Transactions, { strict: false });
  });
  afterAll(() => service.stop());

  it('is known to the millisecond before and after every movement', async () => {
    clock.set('2026-03-01T00:00:00.000Z');
    const { teamId } = await makeTeam(service, { credits: 0 });
    const job = { teamId, jobId: randomUUID(), jobType: 'demo' };
    const released = { teamId, jobId: randomUUID(), jobType: 'demo' };
    const run = (work: (manager: EntityManager) => Promise<unknown>) => transactions.run(work);
    /** Each with the day of March on which it happens. */
    const moves: [string, () => Promise<unknown>][] = [
      [
        '02',
        () =>
          credits.addCredits(
            teamId,
            newGrant({
              credits: 20,
              kind: 'promotion',
              reason: null,
              expiresAt: new Date('2026-03-07T00:00:00Z'),
            }),
          ),
      ],
      ['03', () => run((manager) => credits.hold(manager, job, 8))],
      ['04', () => run((manager) => credits.capture(manager, job, 5))],
      ['05', () => run((manager) => credits.hold(manager, released, 4))],
      ['06', () => run((manager) => credits.release(manager, released))],
      ['07', () => credits.getBalance(teamId)],
      ['08', () => credits.refund(job, 2, null)],
    ];
    for (const [day, move] of moves) {
      clock.set(`2026-03-${day}T00:00:00.000Z`);
      await move();
    }
    clock.set('2026-03-09T00:00:00.000Z');

    const nothing = { teamId, allocated: 0, used: 0, held: 0, available: 0, expired: 0, remaining: 0 };
    const granted = { ...nothing, allocated: 20, available: 20, remaining: 20 };
    const charged = { ...granted, used: 5, available: 15, remaining: 15 };
    const states: [string, object][] = [
      ['01', nothing],
      ['02', granted],
      ['03', { ...granted, held: 8, available: 12 }],
      // Of the 8, 5 are charged and 3 come back.
      ['04', charged],
      ['05', { ...charged, held: 4, available: 11 }],
      ['06', charged],
      // 20 − 5 run out.
      ['07', { ...charged, available: 0, expired: 15, remaining: 0 }],
      // 2 come back, and run out.
      ['08', { ...charged, used: 3, available: 0, expired: 17, remaining: 0 }],
    ];
    for (const [index, [day, state]] of states.entries()) {
      const at = new Date(`2026-03-${day}T00:00:00.000Z`);
      const before = index === 0 ? nothing : states[index - 1]![1];
      expect([day, await reports.balanceAsOf(teamId, new Date(at.getTime() - 1))]).toEqual([day, before]);
      expect([day, await reports.balanceAsOf(teamId, at)]).toEqual([day, state]);
    }
    const { shortfall: _shortfall, overdraftLimit: _limit, ...now } = await credits.getBalance(teamId);
    expect(await reports.balanceAsOf(teamId, clock.now())).toEqual(now);
    expect(await reports.balanceAsOf(teamId, new Date('2030-01-01'))).toEqual(now);
  });

  it('counts what has run out by now, booked or not', async () => {
    clock.set('2026-03-01T00:00:00.000Z');
    const { teamId } = await makeTeam(service, { credits: 0 });
    const expiresAt = new Date('2026-03-02T00:00:00Z');
    await credits.addCredits(teamId, newGrant({ credits: 9, kind: 'promotion', reason: null, expiresAt }));
    clock.set('2026-03-02T00:00:00.000Z');
    expect(await reports.balanceAsOf(teamId, clock.now())).toMatchObject({ expired: 9, remaining: 0 });
  });

  it('is of teams that exist', async () => {
    await expect(reports.balanceAsOf('nobody', clock.now())).rejects.toMatchObject({
      code: 'team_not_found',
    });
  });

  it('never runs backwards, also where the clock of a replica does', async () => {
    clock.set('2026-03-05T00:00:00.000Z');
    const { teamId } = await makeTeam(service, { credits: 1 });
    clock.set('2026-03-04T00:00:00.000Z');
    await credits.addCredits(teamId, newGrant({ credits: 2, kind: 'allocation', reason: null }));
    expect(await reports.balanceAsOf(teamId, new Date('2026-03-04T23:59:59.999Z'))).toMatchObject({
      allocated: 0,
    });
    expect(await reports.balanceAsOf(teamId, new Date('2026-03-05T00:00:00.000Z'))).toMatchObject({
      allocated: 3,
    });
    const { transactions: page } = (
      await service
        .call('get', `/api/credits/teams/${teamId}/transactions`, {
          query: { created_after: '2026-03-05' },
        })
        .expect(200)
    ).body as { transactions: unknown[] };
    expect(page).toHaveLength(2);
  });

  describe('of a team with many lines', () => {
    let teamId: string;
    const jobIds = [randomUUID(), randomUUID()] as const;
    const EVERYTHING: TransactionFilter = {
      type: null,
      jobId: null,
      createdAfter: null,
      createdBefore: null,
    };

    beforeAll(async () => {
      clock.set('2026-03-01T00:00:00.000Z');
      ({ teamId } = await makeTeam(service, { credits: 50_000 }));
      // The first of 20,000 charges, a minute apart, is refunded.
      await query(
        service.database.url,
        `WITH numbers AS (
           SELECT n, gen_random_uuid() AS hold_id, now() - (20001 - n) * interval '1 minute' AS at
             FROM generate_series(1, 20000) n
         ), holds AS (
           INSERT INTO credit_holds (hold_id, team_id, job_id, job_type, number, credits, status, captured, refunded,
                                     shortfall, overdrawn, created_at, ended_at)
           SELECT hold_id, $1, CASE WHEN n <= 2 THEN ($2::uuid[])[n] ELSE gen_random_uuid() END, 'demo', 1, 1,
                  'captured', 1, 0, 0, 0, at, at FROM numbers
         )
         INSERT INTO credit_transfers (transfer_id, team_id, sequence, kind, debit_account, credit_account, credits,
                                       remaining_after, hold_id, created_at)
         SELECT gen_random_uuid(), $1, n + 1, 'capture', 'held', 'consumed', 1, 50000 - n, hold_id, at FROM numbers`,
        [teamId, jobIds],
      );
      await query(
        service.database.url,
        `UPDATE credit_accounts SET available = available - 20000, consumed = 20000, last_sequence = 20001
          WHERE team_id = $1`,
        [teamId],
      );
      await query(service.database.url, 'ANALYZE credit_transfers, credit_holds');
    });

    /** The greatest number of lines of the ledger that a statement of the list looks at. */
    async function linesRead(filter: Partial<TransactionFilter>, limit = 50): Promise<number> {
      const repository = service.app.get(CreditReportsRepository, { strict: false });
      let most = 0;
      await transactions.run(async (manager) => {
        const explaining = {
          query: async (sql: string, parameters: unknown[]) => {
            const [explained] = await manager.query<[{ 'QUERY PLAN': [{ Plan: PlanNode }] }]>(
              `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
              parameters,
            );
            most = Math.max(most, ...rowsOf(explained['QUERY PLAN'][0].Plan));
            return manager.query<unknown>(sql, parameters);
          },
        } as unknown as EntityManager;
        await repository.listTransactions(explaining, teamId, { ...EVERYTHING, ...filter }, null, limit);
      });
      return most;
    }

    interface PlanNode {
      readonly 'Relation Name'?: string;
      readonly 'Actual Rows': number;
      readonly 'Actual Loops': number;
      readonly 'Rows Removed by Filter'?: number;
      readonly Plans?: readonly PlanNode[];
    }

    function rowsOf(plan: PlanNode): number[] {
      const own =
        plan['Relation Name'] === 'credit_transfers'
          ? [(plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']]
          : [];
      return [...own, ...(plan.Plans ?? []).flatMap(rowsOf)];
    }

    it('is read by the page', async () => {
      expect(await linesRead({})).toBeLessThanOrEqual(50);
      expect(await linesRead({ type: 'deduction' })).toBeLessThanOrEqual(50);
    });

    it.each(['allocation', 'refund', 'adjustment', 'subscription_payment'] as const)(
      'is not searched for the few that are of the type %s',
      async (type) => {
        expect(await linesRead({ type })).toBeLessThanOrEqual(50);
      },
    );

    it('is not searched for those of a job, nor for those of a span of time', async () => {
      expect(await linesRead({ jobId: jobIds[0] })).toBeLessThanOrEqual(2);
      expect(await linesRead({ jobId: randomUUID() })).toBe(0);
      // The oldest hour.
      const from = new Date(Date.now() - 20_001 * 60_000);
      const to = new Date(from.getTime() + 3_600_000);
      expect(await linesRead({ createdAfter: from, createdBefore: to })).toBeLessThanOrEqual(61);
      expect(await linesRead({ createdBefore: to })).toBeLessThanOrEqual(61);
    });
  });
});
