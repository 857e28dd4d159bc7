import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { expectSoundBooks } from './support/books.js';
import { type ChaosTeam, Deployment } from './support/deployment.js';
import {
  expectAcknowledgedKept,
  expectAttemptsOnRecord,
  expectDeclinedWithoutEffect,
  Load,
} from './support/load.js';
import { CHAOS, report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { expectNoConnectionLeaked, expectWork } from './support/probes.js';
import { Random } from './support/random.js';
import { ChaosUpstream } from './support/upstream.js';
import { range } from './support/workers.js';

const CLIENTS = 12;
const POOL_SIZE = 6;
const DURATION_MS = sized(20_000, 60_000);
const BETWEEN_CRASHES_MS = 3_500;

describe('a database that crashes every few seconds', () => {
  const random = new Random(CHAOS.seed);
  let postgres: ChaosPostgres;
  let upstream: ChaosUpstream;
  let deployment: Deployment;
  let teams: [ChaosTeam, ...ChaosTeam[]];
  let probeTeam: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    upstream = await ChaosUpstream.start();
    deployment = await Deployment.start({
      databaseUrl: postgres.url,
      upstreamUrl: upstream.baseUrl,
      environment: { DATABASE_POOL_SIZE: String(POOL_SIZE) },
    });
    teams = [
      await deployment.makeTeam(100_000, ['status-503', 'delay-5']),
      await deployment.makeTeam(100_000),
    ];
    probeTeam = await deployment.makeTeam(1_000);
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await upstream.stop();
    await postgres.stop();
  }, 120_000);

  it('loses nothing that was acknowledged, and work goes on with the first request after readiness', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const load = new Load(deployment, teams, random);
      const deadline = performance.now() + DURATION_MS;
      let crashes = 0;
      let killedBackends = 0;
      await load.during(CLIENTS, async () => {
        while (performance.now() < deadline) {
          await sleep(BETWEEN_CRASHES_MS);
          await load.untilProgress();
          if ((crashes + killedBackends) % 3 === 2) {
            if (await postgres.killBackend()) killedBackends += 1;
          } else {
            await postgres.crash();
            crashes += 1;
            await sleep(random.below(500));
          }
          await postgres.recover();
          await Promise.all(
            range(deployment.size).map(async (replica) => {
              await deployment.waitUntilReady(replica);
              await expectWork(deployment, replica, probeTeam);
            }),
          );
        }
      });

      const connections = await expectNoConnectionLeaked(postgres, deployment, probeTeam, POOL_SIZE);
      await expectAcknowledgedKept(load, postgres, deployment);
      const declined = await expectDeclinedWithoutEffect(load, postgres);
      const attempts = await expectAttemptsOnRecord(postgres, upstream);
      const samples = await expectSoundBooks(postgres, sampler);
      report('database crash', {
        crashes,
        'backends killed': killedBackends,
        ...load.figures(),
        'declined without effect': declined,
        'attempts on record': attempts,
        'connections at the end': connections,
        samples,
      });
    });
  }, 1_800_000);
});
