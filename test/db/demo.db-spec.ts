import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSettings } from '../../src/config/settings.js';
import { makeDemo } from '../../src/demo/make-demo.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';

const NOTHING = { organizations: 0, groups: 0, teams: 0, keys: 0, accounts: 0, jobs: 0, transfers: 0 };

describe('the history of the demo', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const make = () =>
    makeDemo(
      parseSettings({ NODE_ENV: 'test', DATABASE_URL: database.url, LOG_LEVEL: 'silent' }),
      database.url,
    );

  async function count(): Promise<unknown> {
    const [counts] = await query(
      database.url,
      `SELECT (SELECT count(*)::int FROM organizations) AS organizations,
              (SELECT count(*)::int FROM model_groups) AS groups,
              (SELECT count(*)::int FROM teams) AS teams,
              (SELECT count(*)::int FROM virtual_keys) AS keys,
              (SELECT count(*)::int FROM credit_accounts) AS accounts,
              (SELECT count(*)::int FROM jobs) AS jobs,
              (SELECT count(*)::int FROM credit_transfers) AS transfers`,
    );
    return counts;
  }

  it('leaves nothing behind when its last table refuses a row', async () => {
    await query(
      database.url,
      `ALTER TABLE llm_attempts ADD CONSTRAINT refuses_second_tries CHECK (number = 1)`,
    );

    await expect(make()).rejects.toThrow('refuses_second_tries');
    expect(await count()).toEqual(NOTHING);

    await query(database.url, `ALTER TABLE llm_attempts DROP CONSTRAINT refuses_second_tries`);
    expect((await make()).kind).toBe('made');
  });

  it.each([
    [
      'an organization demo-organization',
      `INSERT INTO organizations (organization_id, name, status, metadata, created_at, updated_at)
       VALUES ('demo-organization', 'Somebody else', 'active', '{}', now(), now())`,
      { ...NOTHING, organizations: 1 },
    ],
    [
      'a model group DemoFast',
      `INSERT INTO model_groups (model_group_id, group_name, display_name, status, created_at, updated_at)
       VALUES (gen_random_uuid(), 'DemoFast', 'Of somebody else', 'active', now(), now())`,
      { ...NOTHING, groups: 1 },
    ],
  ])('is not written where there is %s of somebody else', async (what, sql, expected) => {
    await query(database.url, sql);

    expect(await make()).toEqual({
      kind: 'refused',
      sentence: `There is ${what} that is not of the demo, which would mix with it. Use another database.`,
    });
    expect(await count()).toEqual(expected);
  });

  it('books one grant, 250 holds, 245 captures and 5 releases, numbered in the order of their time', async () => {
    await make();
    const kinds = await query(
      database.url,
      `SELECT kind, count(*)::int, sum(credits)::int AS credits FROM credit_transfers
        WHERE team_id = 'acme-corp' GROUP BY kind ORDER BY kind`,
    );
    const unordered = await query(
      database.url,
      `SELECT sequence FROM (
         SELECT sequence, row_number() OVER (ORDER BY created_at, transfer_id) AS number
           FROM credit_transfers WHERE team_id = 'acme-corp') ordered
        WHERE sequence <> number`,
    );

    expect(kinds).toEqual([
      { kind: 'allocation', count: 1, credits: 1000 },
      { kind: 'capture', count: 245, credits: 245 },
      { kind: 'hold', count: 250, credits: 250 },
      { kind: 'release', count: 5, credits: 5 },
    ]);
    expect(unordered).toEqual([]);
  });

  it('freezes in each job what remained when it ended', async () => {
    await make();
    const ends = await query(
      database.url,
      `SELECT count(*)::int AS jobs,
              count(*) FILTER (WHERE transfers.remaining_after = (jobs.completion ->> 'creditsRemaining')::bigint
                                 AND transfers.created_at = jobs.completed_at)::int AS right
         FROM jobs JOIN credit_holds holds USING (team_id, job_id)
         JOIN credit_transfers transfers
           ON transfers.hold_id = holds.hold_id AND transfers.team_id = holds.team_id AND transfers.kind <> 'hold'
        WHERE jobs.team_id = 'acme-corp'`,
    );
    const [last] = await query(
      database.url,
      `SELECT (completion ->> 'creditsRemaining')::int AS remaining FROM jobs ORDER BY completed_at DESC LIMIT 1`,
    );

    expect(ends).toEqual([{ jobs: 250, right: 250 }]);
    expect(last).toEqual({ remaining: 755 });
  });

  it('makes the teams, and grants the first credits, before the month begins', async () => {
    await make();
    const late = await query(
      database.url,
      `SELECT team_id FROM teams WHERE created_at >= '2024-10-01T00:00:00Z'
       UNION ALL SELECT team_id FROM credit_transfers
        WHERE team_id = 'acme-corp' AND sequence = 1 AND created_at >= '2024-10-01T00:00:00Z'`,
    );

    expect(late).toEqual([]);
    expect(await count()).toMatchObject({ organizations: 1, groups: 2, teams: 4, keys: 4, accounts: 4 });
  });
});
