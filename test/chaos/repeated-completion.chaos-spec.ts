import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { accountOf, expectSoundBooks, transfersOfJobs } from './support/books.js';
import { type ChaosTeam, Deployment } from './support/deployment.js';
import { CHAOS, report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { Random } from './support/random.js';
import { forEachOf, range } from './support/workers.js';

const JOBS = sized(250, 1_000);
const COMPLETIONS_PER_JOB = 10;
const KILLS = 5;
const CREDITS = 5_000;

/** Jobs that are worked on at once; ten requests each. */
const WIDTH = 6;

describe('completions that are repeated while processes are killed', () => {
  const random = new Random(CHAOS.seed);
  let postgres: ChaosPostgres;
  let deployment: Deployment;
  let team: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    deployment = await Deployment.start({ databaseUrl: postgres.url });
    team = await deployment.makeTeam(CREDITS);
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await postgres.stop();
  }, 120_000);

  async function createJob(replica: number): Promise<string> {
    const body = { job_type: 'chaos' };
    const { answer } = await deployment.insist(replica, team.key, 'POST', '/api/jobs/create', { body });
    expect(answer.status).toBe(200);
    return answer.body['job_id'] as string;
  }

  it('charge each job once, answer it with the same bytes, and leave exact sums', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const bodies = new Map<string, Set<string>>();
      const jobs: string[] = [];
      let acknowledged = 0;
      let repeated = 0;
      let killed = 0;
      let restarts: Promise<void> = Promise.resolve();

      /** Kills after a sixth of the jobs, after two sixths and so on, always the process that was not last. */
      function killIfDue(): void {
        if (killed >= KILLS || bodies.size < ((killed + 1) * JOBS) / (KILLS + 1)) return;
        const victim = killed % deployment.size;
        killed += 1;
        restarts = restarts.then(async () => {
          await deployment.kill(victim);
          await deployment.startReplica(victim);
        });
      }

      async function completeTenTimes(): Promise<void> {
        const jobId = await createJob(random.below(deployment.size));
        jobs.push(jobId);
        const seen = new Set<string>();
        bodies.set(jobId, seen);
        await Promise.all(
          range(COMPLETIONS_PER_JOB).map(async (number) => {
            const path = `/api/jobs/${jobId}/complete`;
            const body = { status: 'completed' };
            const { answer, repetitions } = await deployment.insist(number, team.key, 'POST', path, { body });
            expect([jobId, answer.status]).toEqual([jobId, 200]);
            seen.add(answer.text);
            acknowledged += 1;
            repeated += repetitions;
          }),
        );
        killIfDue();
      }

      const startedAt = performance.now();
      await forEachOf(range(JOBS), WIDTH, completeTenTimes);
      await restarts;
      const seconds = (performance.now() - startedAt) / 1000;

      // An answer to a creation can be lost with its process; such a job stays open, with its credit held.
      const holds = await transfersOfJobs(postgres, team.teamId, 'hold');
      const lost = holds.size - JOBS;
      const captures = await transfersOfJobs(postgres, team.teamId, 'capture');
      expect(killed).toBe(KILLS);
      expect(acknowledged).toBe(JOBS * COMPLETIONS_PER_JOB);
      expect(jobs.filter((jobId) => captures.get(jobId) !== 1)).toEqual([]);
      expect(captures.size).toBe(JOBS);
      expect([...bodies].filter(([, seen]) => seen.size !== 1)).toEqual([]);
      expect(lost).toBeGreaterThanOrEqual(0);
      expect(lost).toBeLessThanOrEqual(KILLS * WIDTH);
      expect(await accountOf(postgres, team.teamId)).toEqual({
        allocated: CREDITS,
        available: CREDITS - JOBS - lost,
        held: lost,
        consumed: JOBS,
      });
      const samples = await expectSoundBooks(postgres, sampler);
      report('repeated completion', {
        jobs: JOBS,
        'completions acknowledged': acknowledged,
        'requests repeated': repeated,
        kills: killed,
        'creations without an answer': lost,
        samples,
        'completions per second': Math.round(acknowledged / seconds),
      });
    });
  }, 1_800_000);
});
