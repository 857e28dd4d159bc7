import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate, revertLastMigration } from '../../src/database/migrations.js';
import { LEDGER_CHECKS } from '../../src/verification/ledger-checks.js';
import { query } from '../support/database.js';
import { completeJob, makeCall, makeJob, makeTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { runProgram, makeWorkplace } from '../support/server-process.js';

/**
 * Damage that no request can do, planted past the constraints, and the checks that must see it. Every
 * statement hits one row of the books that {@link makeBooks} writes.
 */
const DAMAGE: readonly (readonly [what: string, sql: string, checks: readonly string[]])[] = [
  [
    'a balance that was raised',
    `UPDATE credit_accounts SET issued = issued - 5, available = available + 5`,
    ['account balances', 'what grants have left'],
  ],
  ['a debt that nobody has made', `UPDATE credit_accounts SET shortfall = 3`, ['debts']],
  [
    'a price that was raised after the charge',
    `UPDATE jobs SET budget_mode = 'consumption_tokens', tokens_per_credit = 1 WHERE credit_applied`,
    ['job prices'],
  ],
  [
    'a sequence that was moved',
    `UPDATE credit_accounts SET last_sequence = last_sequence + 1`,
    ['transfer sequence'],
  ],
  [
    'a transfer that shows more than remained',
    `ALTER TABLE credit_transfers DISABLE TRIGGER credit_transfers_append_only;
     UPDATE credit_transfers SET remaining_after = remaining_after + 1 WHERE kind = 'capture'`,
    ['remaining credits'],
  ],
  [
    'a job that has forgotten its group',
    `UPDATE jobs SET model_groups_used = '{}' WHERE total_calls > 0`,
    ['job groups'],
  ],
  [
    'a grant that gives more than it has left',
    `UPDATE credit_grants SET remaining = remaining - 1`,
    ['grants', 'what grants have left'],
  ],
  [
    'a grant without its transfer',
    `INSERT INTO credit_grants (grant_id, team_id, credits, remaining, expired, kind, priority, created_at)
     SELECT gen_random_uuid(), team_id, 7, 7, 0, 'allocation', 0, now() FROM credit_accounts`,
    ['allocations', 'what grants have left'],
  ],
  [
    'a hold that is said to be released',
    `UPDATE credit_holds SET status = 'released', captured = 0 WHERE status = 'captured'`,
    ['grants', 'holds', 'job charges'],
  ],
  [
    'a hold of another size',
    `UPDATE credit_holds SET credits = 2 WHERE status = 'held'`,
    ['holds', 'job charges'],
  ],
  [
    'a job that was made free',
    `UPDATE jobs SET credit_applied = false, credits_charged = 0 WHERE credit_applied`,
    ['job charges', 'frozen answers'],
  ],
  [
    'a job opened again',
    `UPDATE jobs SET status = 'in_progress', completed_at = NULL WHERE status = 'completed'`,
    ['job charges', 'frozen answers'],
  ],
  [
    'a hold of no job',
    `UPDATE credit_holds SET job_id = gen_random_uuid() WHERE status = 'held'`,
    ['job charges', 'holds without a job'],
  ],
  ['a total that was lowered', `UPDATE jobs SET total_cost_usd = 0 WHERE total_cost_usd > 0`, ['job totals']],
  [
    'a call that is gone',
    `DELETE FROM llm_calls WHERE call_id = (SELECT max(call_id::text)::uuid FROM llm_calls)`,
    ['job totals', 'job groups'],
  ],
  ['an attempt that is gone', `DELETE FROM llm_attempts`, ['call totals']],
  ['an attempt that became cheaper', `UPDATE llm_attempts SET cost_usd = 0`, ['call totals']],
  [
    'an attempt that never ends',
    `UPDATE llm_attempts SET status = 'in_flight', ended_at = NULL, cost_usd = NULL, cost_source = NULL`,
    ['call totals', 'attempts of ended calls'],
  ],
];

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

  it.each(DAMAGE)('finds %s', async (_what, sql, checks) => {
    await query(service.database.url, sql);
    const found = await ledgerDifferences(service.database.url);
    expect([...new Set(found.map((difference) => difference.check))].sort()).toEqual([...checks].sort());
  });

  it('has a planted damage for every check', () => {
    const planted = new Set(DAMAGE.flatMap(([, , checks]) => checks));
    expect(LEDGER_CHECKS.map((check) => check.name).filter((name) => !planted.has(name))).toEqual([]);
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
