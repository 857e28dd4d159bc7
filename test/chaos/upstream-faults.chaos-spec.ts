import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uniqueName } from '../support/service.js';
import { whileSampling } from './support/account-sampler.js';
import { expectSoundBooks } from './support/books.js';
import { type AskedCall, CallLoad } from './support/call-load.js';
import { type ChaosTeam, Deployment } from './support/deployment.js';
import { CHAOS, report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { Random } from './support/random.js';
import { SandboxProcess } from './support/sandbox-process.js';
import { SpendAccount } from './support/spend-account.js';
import { tally } from './support/workers.js';

const CLIENTS = 24;
const ROUNDS = sized(4, 40);
const ATTEMPT_TIMEOUT_MS = 1_000;
const CALL_TIMEOUT_MS = 4_000;
const STREAM_MS = 4_000;
/** How much longer than its budget a call may seem to take on a machine that has other things to do. */
const PATIENCE = 3;
/** Longer than a model rests, and than an attempt waits. */
const AWAY_MS = 700;
const FROZEN_MS = 1_500;
const CALLS_BETWEEN_FAULTS = 60;

/** Models by priority, with their weights. */
type Plan = readonly (readonly (readonly [model: string, weight: number])[])[];

/** The models of answers in one piece. */
const WHOLE: Plan = [
  [
    ['fault-rotate-429-503-ok+delay-20', 3],
    ['fault-rotate-ok-hang-reset', 1],
  ],
  [
    ['fault-reset', 1],
    ['fault-cut', 1],
    ['fault-hang-body', 1],
    ['fault-malformed+delay-30', 1],
    ['fault-rate-limit-1', 1],
  ],
  [
    ['fault-hang', 1],
    ['fault-delay-50', 3],
  ],
];

/** The models of streams, some of which take longer than it takes to kill their upstream. */
const STREAMED: Plan = [
  [
    ['fault-rotate-429-503-ok+chunks-20+chunk-delay-20', 3],
    ['fault-cut+chunks-8', 1],
    ['fault-late-error+chunks-8', 1],
  ],
  [
    ['fault-hang-body+chunks-8', 1],
    ['fault-reset', 1],
    ['fault-reset-mid+chunks-8', 1],
    ['fault-malformed+chunks-8', 1],
    ['fault-hang', 1],
  ],
  [['fault-chunks-20+chunk-delay-20', 1]],
];

/** None of these ever answers. */
const HOPELESS: Plan = [
  [
    ['fault-rotate-503-hang-reset', 2],
    ['fault-hang', 1],
  ],
  [['fault-rotate-429-503', 1]],
];

describe('an upstream that is killed, hangs, resets and refuses under load', () => {
  const random = new Random(CHAOS.seed);
  const stops: (() => Promise<void>)[] = [];
  let postgres: ChaosPostgres;
  let sandbox: SandboxProcess;
  /** What becomes of a stream whose client has left: the rest is read, or it is stopped. */
  let deployments: [draining: Deployment, canceling: Deployment];
  let team: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    stops.unshift(() => postgres.stop());
    sandbox = await SandboxProcess.start();
    stops.unshift(() => sandbox.stop());
    deployments = [await startService('drain'), await startService('cancel')];
    const groups = [await makeGroup('whole', WHOLE), await makeGroup('stream', STREAMED)];
    team = await makeTeam([...groups, await makeGroup('hopeless', HOPELESS)]);
  }, 120_000);
  afterAll(async () => {
    for (const stop of stops) await stop();
  }, 120_000);

  async function startService(policy: 'drain' | 'cancel'): Promise<Deployment> {
    const deployment = await Deployment.start({
      databaseUrl: postgres.url,
      upstreamUrl: sandbox.baseUrl,
      servers: 1,
      environment: {
        ATTEMPT_TIMEOUT_MS: String(ATTEMPT_TIMEOUT_MS),
        CALL_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
        CALL_ROUNDS: '2',
        BREAKER_FAILURES: '3',
        BREAKER_REST_MS: '300',
        RETRY_AFTER_MAX_MS: '500',
        STREAM_IDLE_TIMEOUT_MS: '1000',
        STREAM_MAX_DURATION_MS: String(STREAM_MS),
        STREAM_DRAIN_TIMEOUT_MS: '2000',
        STREAM_DISCONNECT: policy,
      },
    });
    stops.unshift(() => deployment.stop());
    return deployment;
  }

  async function makeGroup(name: string, plan: Plan): Promise<string> {
    const models = plan.flatMap((equals, priority) =>
      equals.map(([model, weight]) => ({ model_name: model, priority, weight })),
    );
    await deployments[0].admin('/api/model-groups/create', { group_name: name, models });
    return name;
  }

  async function makeTeam(groups: readonly string[]): Promise<ChaosTeam> {
    const [organizationId, teamId] = [uniqueName('org'), uniqueName('team')];
    const [deployment] = deployments;
    await deployment.admin('/api/organizations/create', { organization_id: organizationId, name: 'Org' });
    const made = await deployment.admin('/api/teams/create', {
      organization_id: organizationId,
      team_id: teamId,
      model_groups: groups,
      credits_allocated: 1_000_000,
    });
    return { teamId, key: made.body['virtual_key'] as string };
  }

  /** Until nothing of what was asked is under way; the streams that clients have left take their time. */
  async function untilQuiet(): Promise<void> {
    for (;;) {
      const [row] = await postgres.query<{ running: number }>(
        `SELECT ((SELECT count(*) FROM llm_calls WHERE status = 'in_flight') +
                 (SELECT count(*) FROM llm_attempts WHERE status = 'in_flight'))::int AS running`,
      );
      if (row?.running === 0) return;
      await sleep(100);
    }
  }

  it('answers everybody in time, and has every attempt on record to the token', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const load = new CallLoad({
        deployments,
        team,
        groups: {
          whole: ['whole', 'whole', 'whole', 'hopeless'],
          stream: ['stream', 'stream', 'stream', 'hopeless'],
        },
        random,
        deadlineMs: { whole: PATIENCE * CALL_TIMEOUT_MS, stream: PATIENCE * (CALL_TIMEOUT_MS + STREAM_MS) },
      });
      await load.during(CLIENTS, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          await load.untilProgress(CALLS_BETWEEN_FAULTS);
          await sandbox.killFor(AWAY_MS);
          await load.untilProgress(CALLS_BETWEEN_FAULTS);
          await sandbox.freezeFor(FROZEN_MS);
        }
        await load.untilProgress(CALLS_BETWEEN_FAULTS);
      });
      await untilQuiet();

      await expectAnswersOnRecord(load.calls);
      expect(load.badJobs).toEqual([]);
      const account = await SpendAccount.read(postgres, sandbox);
      const lost = account.expectSameRequests(ATTEMPT_TIMEOUT_MS);
      const tokens = account.expectSameTokens();
      account.expectSameCosts();
      const failures = tally(account.attempts.map(({ failure }) => failure ?? 'none'));
      // Or something that this is about did not happen.
      expect(Object.keys(failures)).toEqual(expect.arrayContaining(EXPECTED_FAILURES));
      expect(account.attempts.filter(({ costSource }) => costSource === 'not_sent').length).toBeGreaterThan(
        0,
      );
      const samples = await expectSoundBooks(postgres, sampler);
      report('upstream faults', {
        outages: sandbox.outages.length,
        ...load.figures(),
        attempts: account.attempts.length,
        ...failures,
        'left and never read': lost,
        'tokens reported': tokens.reported,
        'tokens billed without a report': tokens.unreported,
        samples,
      });
    });
  }, 1_800_000);

  /** What each client was told is what its call came to. */
  async function expectAnswersOnRecord(calls: readonly AskedCall[]): Promise<void> {
    expect(calls.filter(({ verdict }) => verdict === 'unexpected')).toEqual([]);
    const rows = await postgres.query<{ id: string; status: string; failure: string | null }>(
      'SELECT call_id AS id, status, failure FROM llm_calls',
    );
    const recorded = new Map(rows.map((row) => [row.id, row]));
    const wrong = calls.filter((call) => {
      const row = call.callId === null ? undefined : recorded.get(call.callId);
      switch (call.verdict) {
        case 'answered':
          return row?.status !== 'succeeded';
        case 'broken':
          return row?.status !== 'partial' || row.failure !== 'upstream_stream_broken';
        case 'failed':
          return row?.status !== 'failed' || row.failure !== call.code;
        case 'declined':
          return call.callId !== null;
        case 'left':
          return call.callId !== null && !statusesOfLeft(call).includes(row?.status ?? '');
        case 'unexpected':
          return true;
      }
    });
    expect(wrong).toEqual([]);
    // Nobody's process died, so every call was ended by the one that made it.
    expect(rows.filter(({ status }) => status === 'interrupted')).toEqual([]);
    const told = calls.filter(({ callId }) => callId !== null).length;
    const unheard = calls.filter(({ callId, verdict }) => callId === null && verdict === 'left').length;
    expect(rows.length).toBeGreaterThanOrEqual(told);
    expect(rows.length).toBeLessThanOrEqual(told + unheard);
  }
});

/** A client that leaves a stream may do so just when it breaks off, or has ended. */
function statusesOfLeft({ heard, isStream }: AskedCall): string[] {
  if (heard.status !== 200) return ['failed'];
  return isStream ? ['client_disconnected', 'partial', 'succeeded'] : ['succeeded'];
}

const EXPECTED_FAILURES = [
  'connection_failed',
  'malformed_answer',
  'rate_limited',
  'stream_broken',
  'timeout',
  'upstream_error',
];
