import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { expectSoundBooks } from './support/books.js';
import { type ChaosTeam, Deployment } from './support/deployment.js';
import { FaultProxy } from './support/fault-proxy.js';
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
const ROUNDS = sized(1, 5);
const QUERY_TIMEOUT_MS = 1_500;
const ATTEMPT_TIMEOUT_MS = 800;
/** Longer than the time that the service waits for a statement or an attempt. */
const FAULT_MS = 2_000;
/** A cut is over at once. */
const BRIEFLY_MS = 200;
const BETWEEN_FAULTS_MS = 300;

describe('a network that breaks between the service, its database and its upstream', () => {
  const random = new Random(CHAOS.seed);
  let postgres: ChaosPostgres;
  let upstream: ChaosUpstream;
  let database: FaultProxy;
  let provider: FaultProxy;
  let deployment: Deployment;
  let teams: [ChaosTeam, ...ChaosTeam[]];
  let probeTeam: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    upstream = await ChaosUpstream.start();
    database = await FaultProxy.start(postgres.tcpPort);
    provider = await FaultProxy.start(upstream.port);
    deployment = await Deployment.start({
      databaseUrl: postgres.urlBehind(database.port),
      upstreamUrl: `http://127.0.0.1:${String(provider.port)}`,
      environment: {
        DATABASE_POOL_SIZE: String(POOL_SIZE),
        DATABASE_QUERY_TIMEOUT_MS: String(QUERY_TIMEOUT_MS),
        ATTEMPT_TIMEOUT_MS: String(ATTEMPT_TIMEOUT_MS),
        CALL_TIMEOUT_MS: String(2 * ATTEMPT_TIMEOUT_MS),
        CALL_LEASE_MS: '1000',
      },
    });
    teams = [
      await deployment.makeTeam(100_000, ['status-503', 'delay-5']),
      await deployment.makeTeam(100_000, ['delay-5', 'model-a']),
    ];
    probeTeam = await deployment.makeTeam(1_000);
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await database.stop();
    await provider.stop();
    await upstream.stop();
    await postgres.stop();
  }, 120_000);

  const faults = (): Readonly<Record<string, () => void>> => ({
    'database cut': () => database.cut(),
    'database away': () => {
      database.refuse();
      database.cut();
    },
    'database slow': () => {
      database.delay(30);
    },
    'database silent': () => {
      database.hold();
    },
    'database deaf': () => {
      database.hold(['toTarget']);
    },
    'database mute': () => {
      database.hold(['toClient']);
    },
    'provider cut': () => provider.cut(),
    'provider away': () => {
      provider.refuse();
      provider.cut();
    },
    'provider slow': () => {
      provider.delay(100);
    },
    'provider deaf': () => {
      provider.hold(['toTarget']);
    },
    'provider mute': () => {
      provider.hold(['toClient']);
    },
  });

  it('loses nothing that was acknowledged, sends nothing without a row, and leaves nothing hanging', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const load = new Load(deployment, teams, random);
      let applied = 0;
      await load.during(CLIENTS, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const [name, apply] of random.shuffled(Object.entries(faults()))) {
            await sleep(BETWEEN_FAULTS_MS);
            await load.untilProgress();
            apply();
            applied += 1;
            await sleep(name.endsWith(' cut') ? BRIEFLY_MS : FAULT_MS);
            await Promise.all([database.heal(), provider.heal()]);
            await Promise.all(
              range(deployment.size).map(async (replica) => {
                await deployment.waitUntilReady(replica);
                await expectWork(deployment, replica, probeTeam);
              }),
            );
          }
        }
      });

      const connections = await expectNoConnectionLeaked(postgres, deployment, probeTeam, POOL_SIZE);
      await expectAcknowledgedKept(load, postgres, deployment);
      const declined = await expectDeclinedWithoutEffect(load, postgres);
      const attempts = await expectAttemptsOnRecord(postgres, upstream);
      const samples = await expectSoundBooks(postgres, sampler);
      report('network faults', {
        faults: applied,
        ...load.figures(),
        'declined without effect': declined,
        'attempts on record': attempts,
        'connections at the end': connections,
        samples,
      });
    });
  }, 1_800_000);
});
