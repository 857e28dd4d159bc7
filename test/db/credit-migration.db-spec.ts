import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate, revertLastMigration } from '../../src/database/migrations.js';
import { query } from '../support/database.js';
import { completeJob, makeCall, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

const CREDIT_SYSTEM = 'CreditSystem1764000000005';

/** Books of the version before grants had a price and an end, taken over by this one. */
describe('the migration of the credit system', () => {
  let service: TestService;
  let team: TestTeam;

  beforeEach(async () => {
    service = await startTestService();
    team = await makeTeam(service, { credits: 10 });
    const charged = await makeJob(service, team, 'analysis');
    await makeCall(service, team, charged);
    await completeJob(service, team, charged);
    await completeJob(service, team, await makeJob(service, team), 'failed');
    await makeJob(service, team);
  });
  afterEach(() => service.stop());

  const applied = async (): Promise<string[]> =>
    (
      await query<{ name: string }>(service.database.url, 'SELECT name FROM schema_migrations ORDER BY id')
    ).map((row) => row.name);

  const revertToTheVersionBefore = async (): Promise<void> => {
    while ((await applied()).includes(CREDIT_SYSTEM)) await revertLastMigration(service.database.url);
  };

  it('takes over accounts, grants, holds and jobs, and the books are right', async () => {
    await revertToTheVersionBefore();
    const columns = await query<{ column_name: string }>(
      service.database.url,
      `SELECT column_name FROM information_schema.columns WHERE table_name = 'credit_grants' ORDER BY 1`,
    );
    expect(columns.map((column) => column.column_name)).toEqual([
      'created_at',
      'credits',
      'grant_id',
      'reason',
      'remaining',
      'team_id',
    ]);
    await migrate(service.database.url);

    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    expect(
      await query(
        service.database.url,
        `SELECT holds.status, captured, holds.job_type, budget_mode, time_to_live_ms
           FROM credit_holds holds JOIN jobs USING (job_id) ORDER BY hold_id`,
      ),
    ).toEqual([
      {
        status: 'captured',
        captured: '1',
        job_type: 'analysis',
        budget_mode: 'job_based',
        time_to_live_ms: '86400000',
      },
      {
        status: 'released',
        captured: '0',
        job_type: 'demo',
        budget_mode: 'job_based',
        time_to_live_ms: '86400000',
      },
      {
        status: 'held',
        captured: '0',
        job_type: 'demo',
        budget_mode: 'job_based',
        time_to_live_ms: '86400000',
      },
    ]);
    // The job that was open goes on.
    const [open] = await query<{ job_id: string }>(
      service.database.url,
      'SELECT job_id FROM jobs WHERE completed_at IS NULL',
    );
    await completeJob(service, team, open!.job_id);
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('refuses to go back once the ledger has lines that the older version does not know', async () => {
    await query(service.database.url, `UPDATE credit_grants SET expires_at = now(), starts_at = NULL`);
    // Whoever asks for the balance makes the ledger tell of what has run out.
    const balance = await service
      .call('get', `/api/credits/teams/${team.teamId}/balance`, { key: team.key })
      .expect(200);
    expect(balance.body).toMatchObject({ credits_available: 0, credits_held: 1, credits_used: 1 });
    await expect(revertToTheVersionBefore()).rejects.toThrow('restore a backup');
    expect(await applied()).toContain(CREDIT_SYSTEM);
    await migrate(service.database.url);
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });
});
