import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate, revertLastMigration } from '../../src/database/migrations.js';
import { Transactions } from '../../src/database/transactions.js';
import { JobsRepository } from '../../src/jobs/jobs.repository.js';
import { query } from '../support/database.js';
import { makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { startTestService, type TestService } from '../support/service.js';

const MIGRATION = 'ModelsAndMessages1764000000010';

/** Services over one database, as replicas with other settings are. */
describe('whether a job pays a second model for one answer', () => {
  let trying: TestService;
  let careful: TestService;
  let team: TestTeam;

  beforeAll(async () => {
    trying = await startTestService();
    careful = await startTestService({
      database: trying.database,
      environment: { RETRY_AMBIGUOUS: 'false' },
    });
    team = await makeTeam(trying);
  });
  afterAll(async () => {
    await careful.stop();
    await trying.stop();
  });

  const setType = (jobType: string, retryAmbiguous: boolean | null) =>
    trying
      .call('put', `/api/credits/teams/${team.teamId}/job-types/${jobType}`, {
        body: { retry_ambiguous: retryAmbiguous },
      })
      .expect(200);

  /** What the next call in the job would be told; nothing of the call stays. */
  async function admitted(jobId: string): Promise<unknown> {
    const transactions = trying.app.get(Transactions, { strict: false });
    const jobs = trying.app.get(JobsRepository, { strict: false });
    let found: unknown;
    const rollback = new Error('Only to see it.');
    await transactions
      .run(async (manager) => {
        found = await jobs.admitCall(manager, { jobId, teamId: null }, new Date());
        throw rollback;
      })
      .catch((error: unknown) => {
        if (error !== rollback) throw error;
      });
    return found;
  }

  it.each([
    ['silent', null],
    ['trying', true],
    ['careful', false],
  ])('is said by its type (%s), else by the deployment, when it is created', async (jobType, ofType) => {
    await setType(jobType, ofType);
    for (const [service, ofDeployment] of [
      [trying, true],
      [careful, false],
    ] as const) {
      const jobId = await makeJob(service, team, jobType);
      expect(await admitted(jobId)).toEqual({
        teamId: team.teamId,
        jobType,
        creditsHeld: 1,
        mayRetryAmbiguous: ofType ?? ofDeployment,
      });
    }
  });

  it('stays as it was when the terms of its type change', async () => {
    await setType('changing', false);
    const jobId = await makeJob(trying, team, 'changing');
    await setType('changing', true);
    expect(await admitted(jobId)).toMatchObject({ mayRetryAmbiguous: false });
    expect(await admitted(await makeJob(trying, team, 'changing'))).toMatchObject({
      mayRetryAmbiguous: true,
    });
  });

  it('is yes for jobs of the versions before, which did so', async () => {
    const { url } = trying.database;
    const jobId = await makeJob(careful, team, 'demo');
    expect(await admitted(jobId)).toMatchObject({ mayRetryAmbiguous: false });
    for (;;) {
      const rows = await query(url, 'SELECT FROM schema_migrations WHERE name = $1', [MIGRATION]);
      if (rows.length === 0) break;
      await revertLastMigration(url);
    }
    await migrate(url);
    expect(await admitted(jobId)).toMatchObject({ mayRetryAmbiguous: true });
  });
});
