import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { accountOf, expectSoundBooks, transfersOfJobs } from './support/books.js';
import { Deployment } from './support/deployment.js';
import { report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { forEachOf, range, tally } from './support/workers.js';

const CREDITS = 600;
const JOBS = 1_000;
const WIDTH = 40;
const ROUNDS = sized(1, 5);

describe('more jobs than credits, over two processes', () => {
  let postgres: ChaosPostgres;
  let deployment: Deployment;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    deployment = await Deployment.start({ databaseUrl: postgres.url });
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await postgres.stop();
  }, 120_000);

  it('charge exactly the credits that there are and refuse the others with 402', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const team = await deployment.makeTeam(CREDITS);
        const statuses: number[] = [];
        await forEachOf(range(JOBS), WIDTH, async (number) => {
          const replica = number % deployment.size;
          const body = { job_type: 'chaos' };
          const created = await deployment.send(replica, team.key, 'POST', '/api/jobs/create', { body });
          statuses.push(created.status);
          if (created.status !== 200) {
            expect(created.body).toMatchObject({ code: 'insufficient_credits', credits_required: 1 });
            return;
          }
          const path = `/api/jobs/${created.body['job_id'] as string}/complete`;
          const ended = await deployment.send(1 - replica, team.key, 'POST', path, {
            body: { status: 'completed' },
          });
          expect(ended.status).toBe(200);
        });

        expect(tally(statuses)).toEqual({ 200: CREDITS, 402: JOBS - CREDITS });
        const captures = await transfersOfJobs(postgres, team.teamId, 'capture');
        expect(captures.size).toBe(CREDITS);
        expect(tally(captures.values())).toEqual({ 1: CREDITS });
        expect(await accountOf(postgres, team.teamId)).toEqual({
          allocated: CREDITS,
          available: 0,
          held: 0,
          consumed: CREDITS,
        });
      }
      const samples = await expectSoundBooks(postgres, sampler);
      report('overselling', {
        rounds: ROUNDS,
        charged: CREDITS * ROUNDS,
        refused: (JOBS - CREDITS) * ROUNDS,
        samples,
      });
    });
  }, 1_800_000);
});
