import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { accountOf, expectSoundBooks, transfersOfJobs } from './support/books.js';
import { type ChaosTeam, Deployment } from './support/deployment.js';
import type { Answer } from './support/http-client.js';
import { CHAOS, report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { Random } from './support/random.js';
import { range, tally } from './support/workers.js';

const ROUNDS = sized(12, 200);
const REQUESTS = 50;

type End = 'completed' | 'failed' | 'cancelled';

interface EndRequest {
  readonly end: End;
  /** Below the job's path. */
  readonly action: 'complete' | 'cancel';
  readonly body: object;
}

const WAYS: readonly [EndRequest, ...EndRequest[]] = [
  { end: 'completed', action: 'complete', body: { status: 'completed' } },
  { end: 'failed', action: 'complete', body: { status: 'failed', error_message: 'given up' } },
  { end: 'cancelled', action: 'complete', body: { status: 'cancelled' } },
  { end: 'cancelled', action: 'cancel', body: {} },
];

describe('fifty requests that end one job in different ways', () => {
  const random = new Random(CHAOS.seed);
  let postgres: ChaosPostgres;
  let deployment: Deployment;
  let team: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    deployment = await Deployment.start({ databaseUrl: postgres.url });
    team = await deployment.makeTeam(ROUNDS);
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await postgres.stop();
  }, 120_000);

  /** @returns how the job ended */
  async function race(): Promise<End> {
    const created = await deployment.send(0, team.key, 'POST', '/api/jobs/create', {
      body: { job_type: 'chaos' },
    });
    const jobId = created.body['job_id'] as string;
    // Every way is there, in an order of chance.
    const requests = random.shuffled(range(REQUESTS).map((number) => WAYS[number % WAYS.length]!));
    const answers = await Promise.all(
      requests.map(async ({ end, action, body }, number): Promise<{ end: End; answer: Answer }> => {
        const path = `/api/jobs/${jobId}/${action}`;
        return {
          end,
          answer: await deployment.send(number % deployment.size, team.key, 'POST', path, { body }),
        };
      }),
    );

    const successes = answers.filter(({ answer }) => answer.status === 200);
    const [winner] = successes;
    if (winner === undefined) throw new Error('Nobody ended the job.');
    expect(new Set(successes.map(({ answer }) => answer.text)).size).toBe(1);
    expect(winner.answer.body['status']).toBe(winner.end);
    // All that asked for the end that came about got it, and nobody else.
    expect(successes.length).toBe(requests.filter(({ end }) => end === winner.end).length);
    const firsts = successes.filter(({ answer }) => answer.headers['idempotent-replayed'] === undefined);
    expect(firsts.length).toBe(1);
    for (const { end, answer } of answers) {
      if (end === winner.end) continue;
      expect(answer.status).toBe(409);
      expect(answer.body['code']).toBe('job_not_open');
      expect(answer.headers['x-should-retry']).toBe('false');
    }
    const captures = (await transfersOfJobs(postgres, team.teamId, 'capture')).get(jobId) ?? 0;
    const releases = (await transfersOfJobs(postgres, team.teamId, 'release')).get(jobId) ?? 0;
    expect({ captures, releases }).toEqual(
      winner.end === 'completed' ? { captures: 1, releases: 0 } : { captures: 0, releases: 1 },
    );
    return winner.end;
  }

  it('lead to one end, one move of the credit, and 409 for whoever wanted another', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const ends: End[] = [];
      for (let round = 0; round < ROUNDS; round += 1) ends.push(await race());

      const counts = tally(ends);
      const charged = counts['completed'] ?? 0;
      expect(await accountOf(postgres, team.teamId)).toEqual({
        allocated: ROUNDS,
        available: ROUNDS - charged,
        held: 0,
        consumed: charged,
      });
      const samples = await expectSoundBooks(postgres, sampler);
      report('one end', { jobs: ROUNDS, requests: ROUNDS * REQUESTS, ...counts, samples });
    });
  }, 1_800_000);
});
