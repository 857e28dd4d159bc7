import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions, withDataSource } from '../../src/database/data-source-options.js';
import { migrate, revertLastMigration } from '../../src/database/migrations.js';
import { LEDGER_CHECKS } from '../../src/verification/ledger-checks.js';
import { type LedgerDifference, verifyLedger } from '../../src/verification/verify-ledger.js';
import { BookWriter, type BookNames, writeBooks } from '../support/books.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';
import { completeJob, makeCall, makeJob, makeTeam } from '../support/factories.js';
import { DAMAGE } from '../support/ledger-damage.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { runProgram, makeWorkplace } from '../support/server-process.js';
import { TestClock } from '../support/test-clock.js';

const START = '2026-03-01T00:00:00.000Z';

/** Removes everything by which the database itself refuses damage: a check must not lean on it. */
const WITHOUT_CONSTRAINTS = `
  DO $$
  DECLARE
    command text;
  BEGIN
    FOR command IN
      SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f')
      UNION ALL
      SELECT format('DROP INDEX %I', indexname) FROM pg_indexes
       WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%' AND indexname LIKE '%\\_key'
      UNION ALL
      SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal
    LOOP
      EXECUTE command;
    END LOOP;
  END
  $$`;

const UNDONE = 'Everything is undone.';

describe('the checks of the ledger', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let names: BookNames;

  beforeAll(async () => {
    database = await createTestDatabase();
    const clock = new TestClock(new Date(START));
    const service = await startTestService({ database, clock });
    names = await writeBooks(new BookWriter(service, clock));
    await service.stop();
    dataSource = await new DataSource({
      ...dataSourceOptions({ url: database.url, poolSize: 1 }),
      entities: [],
    }).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  /** What is found after a statement, which is then undone. */
  async function findAfter(sql: string): Promise<LedgerDifference[]> {
    let found: LedgerDifference[] = [];
    const isUndone = dataSource.transaction('REPEATABLE READ', async (manager) => {
      await manager.query(WITHOUT_CONSTRAINTS);
      await manager.query(
        sql.replaceAll(/:(\w+)\b/g, (whole, name: string) => {
          return name in names ? `'${names[name]!}'` : whole;
        }),
      );
      found = await verifyLedger(manager);
      throw new Error(UNDONE);
    });
    await expect(isUndone).rejects.toThrow(UNDONE);
    return found;
  }

  it('find nothing in books that have everything', async () => {
    expect(await findAfter('SELECT')).toEqual([]);
  });

  it('are run on books that come to what was worked out by hand', async () => {
    const accounts = await query(
      database.url,
      `SELECT team_id, -issued AS allocated, available::int, held::int, consumed::int, expired::int,
              overdrawn::int, shortfall::int
         FROM credit_accounts WHERE issued < 0 ORDER BY updated_at`,
    );
    const of = (team: string) =>
      accounts.find((account) => (account as { team_id: string }).team_id === names[team]);
    const rest = { expired: 0, overdrawn: 0, shortfall: 0 };
    expect(of('grantTeam')).toMatchObject({
      ...rest,
      allocated: '25',
      available: 13,
      held: 0,
      consumed: 11,
      expired: 1,
    });
    // Charged 1 each for the completed one, the expired one, the cancelled one and the one beyond the allowance.
    expect(of('priceTeam')).toMatchObject({ ...rest, allocated: '20', available: 15, held: 1, consumed: 4 });
    // 2, 5 less 1, and 5.
    expect(of('usageTeam')).toMatchObject({ ...rest, allocated: '30', available: 19, held: 0, consumed: 11 });
    // 6, 4 less 3, and 2.
    expect(of('shortTeam')).toMatchObject({
      ...rest,
      allocated: '9',
      available: 0,
      held: 0,
      consumed: 9,
      shortfall: 2,
    });
    expect(of('overdraftTeam')).toMatchObject({
      ...rest,
      allocated: '7',
      available: -3,
      held: 5,
      consumed: 5,
      overdrawn: 3,
    });
  });

  it.each(DAMAGE)('find %s', async (_what, sql, checks) => {
    const found = await findAfter(sql);
    expect([...new Set(found.map((difference) => difference.check))].sort()).toEqual([...checks].sort());
  });

  it('are as many as the page says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    expect(page).toContain(`The ledger is right: ${String(LEDGER_CHECKS.length)} checks, no difference.`);
  });

  it('have a planted damage each', () => {
    const planted = new Set(DAMAGE.flatMap(([, , checks]) => checks));
    expect(LEDGER_CHECKS.map((check) => check.name).filter((name) => !planted.has(name))).toEqual([]);
  });

  it('name what is wrong, what it should be and what it is', async () => {
    const found = await findAfter(`
      UPDATE credit_accounts SET available = available + 5, issued = issued - 5 WHERE team_id = :grantTeam;
      UPDATE credit_grants SET remaining = 7 WHERE grant_id = :later;
      UPDATE jobs SET tokens_per_credit = 500 WHERE job_id = :collected`);
    expect(
      found.map(({ check, teamId, id, expected, found: is }) => [check, teamId, id, expected, is]),
    ).toEqual([
      ['account balances', names['grantTeam'], names['grantTeam'], '-25/13/0/11/1', '-30/18/0/11/1'],
      // 10 and 7 instead of 18.
      ['what grants have left', names['grantTeam'], names['grantTeam'], '18', '17'],
      ['grants', names['grantTeam'], names['later'], '3 and 0 expired', '7 and 0 expired'],
      // 5,500 tokens at 500 a credit.
      ['job prices', names['shortTeam'], names['collected'], '11 by consumption_tokens', '6'],
    ]);
  });

  it('list 100 of what is wrong in the same way', async () => {
    const found = await findAfter(`
      INSERT INTO llm_attempts (attempt_id, team_id, call_id, number, model_name, status, started_at)
      SELECT gen_random_uuid(), 'team', gen_random_uuid(), 1, 'model', 'in_flight', now() FROM generate_series(1, 101)`);
    expect(found).toHaveLength(100);
    expect(new Set(found.map((difference) => difference.check))).toEqual(
      new Set(['attempts without a call']),
    );
  });

  it('are cut off one by one after the time that they may take', async () => {
    const isCutOff = withDataSource({ url: database.url, poolSize: 1 }, (source) =>
      source.transaction('REPEATABLE READ', async (manager) => {
        await verifyLedger(manager, { timeoutMs: 50 });
        // What comes after them in the transaction is held to the same.
        await manager.query('SELECT pg_sleep(5)');
      }),
    );
    await expect(isCutOff).rejects.toThrow('statement timeout');
  });
});

describe('verify-ledger', () => {
  let service: TestService;

  beforeEach(async () => {
    service = await startTestService();
    const team = await makeTeam(service, { credits: 10 });
    const charged = await makeJob(service, team);
    await makeCall(service, team, charged);
    await completeJob(service, team, charged);
    await completeJob(service, team, await makeJob(service, team), 'failed');
    await makeJob(service, team);
  });
  afterEach(() => service.stop());

  it('is content with books that were migrated from the version before', async () => {
    const jobs = `SELECT job_id, model_groups_used FROM jobs ORDER BY job_id`;
    const transfers = `SELECT transfer_id, remaining_after FROM credit_transfers ORDER BY team_id, sequence`;
    const before = [
      await query(service.database.url, jobs),
      await query<{ remaining_after: string }>(service.database.url, transfers),
    ];
    await revertLastMigration(service.database.url);
    await migrate(service.database.url);

    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    // An allocation of 10, a hold and its capture, a hold and its release, a hold.
    expect(before[1]).toMatchObject(
      ['10', '10', '9', '9', '9', '9'].map((remaining) => ({ remaining_after: remaining })),
    );
    expect([await query(service.database.url, jobs), await query(service.database.url, transfers)]).toEqual(
      before,
    );
    await expect(query(service.database.url, 'DELETE FROM credit_transfers')).rejects.toThrow('append-only');
  });

  it('is content with books that requests have written', async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('ends with 1 and names what is wrong', async () => {
    await query(
      service.database.url,
      `UPDATE jobs SET total_tokens = total_tokens + 1 WHERE total_calls = 1`,
    );
    const workplace = await makeWorkplace();
    const { code, output } = await runProgram('commands/verify-ledger.js', {
      workplace,
      environment: { DATABASE_URL: service.database.url },
    });
    await workplace.remove();
    expect(code).toBe(1);
    expect(output).toMatch(/job totals: team team-\w+, [0-9a-f-]{36}: .*; expected .*, found /);
  });
});
