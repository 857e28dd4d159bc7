import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileSampling } from './support/account-sampler.js';
import { expectSoundBooks } from './support/books.js';
import { ADMIN_KEY, type ChaosTeam, Deployment } from './support/deployment.js';
import type { Answer } from './support/http-client.js';
import { expectAttemptsOnRecord } from './support/load.js';
import { CHAOS, report, sized } from './support/options.js';
import { ChaosPostgres } from './support/postgres.js';
import { Random } from './support/random.js';
import { ChaosUpstream } from './support/upstream.js';
import { forEachOf, range, tally } from './support/workers.js';

const REQUESTS = sized(200, 3_000);
const WIDTH = 8;
/** Times that a request is sent at once, until it is settled. */
const AT_ONCE = 3;
/** Of the processes and of the database, in turn. */
const FAULTS = sized(6, 30);
/** Far longer than a lease and a start; a key that is not settled by then never is. */
const SETTLED_MS = 60_000;

const MESSAGES = [{ role: 'user', content: 'How do I reset my password?' }] as const;

type Kind = 'job' | 'grant' | 'call';

/** A request with a key of its own. Its mark is the key, and in the row that it makes. */
interface KeyedRequest {
  readonly kind: Kind;
  readonly mark: string;
  readonly key: string;
  readonly path: string;
  readonly body: object;
  /** Bodies of all answers of 200. */
  readonly successes: Set<string>;
  /** Codes of all other answers that a client may not repeat. */
  readonly refusals: Set<string>;
}

describe('requests with an Idempotency-Key, sent again and again while processes and database crash', () => {
  const random = new Random(CHAOS.seed);
  let postgres: ChaosPostgres;
  let upstream: ChaosUpstream;
  let deployment: Deployment;
  let team: ChaosTeam;

  beforeAll(async () => {
    postgres = await ChaosPostgres.start();
    upstream = await ChaosUpstream.start();
    deployment = await Deployment.start({
      databaseUrl: postgres.url,
      upstreamUrl: upstream.baseUrl,
      environment: { CALL_LEASE_MS: '1000' },
    });
    team = await deployment.makeTeam(100_000, ['delay-30']);
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await upstream.stop();
    await postgres.stop();
  }, 120_000);

  async function makeRequest(number: number): Promise<KeyedRequest> {
    const kind = random.pick<Kind>(['job', 'grant', 'call']);
    const mark = `mark-${String(number)}`;
    const common = { kind, mark, successes: new Set<string>(), refusals: new Set<string>() };
    switch (kind) {
      case 'job': {
        const body = { job_type: 'chaos', user_id: mark };
        return { ...common, key: team.key, path: '/api/jobs/create', body };
      }
      case 'grant': {
        const path = `/api/credits/teams/${team.teamId}/add`;
        return { ...common, key: ADMIN_KEY, path, body: { credits: 2, reason: mark } };
      }
      case 'call': {
        const job = await settle({
          ...common,
          kind: 'job',
          mark: `${mark}-job`,
          key: team.key,
          path: '/api/jobs/create',
          body: { job_type: 'chaos', user_id: `${mark}-job` },
        });
        const path = `/api/jobs/${job['job_id'] as string}/llm-call`;
        // The sets of the job's creation are not those of the call.
        const own = { successes: new Set<string>(), refusals: new Set<string>() };
        return { ...common, ...own, key: team.key, path, body: { messages: MESSAGES, purpose: mark } };
      }
    }
  }

  /** Sends a request until somebody has an answer that stays. @returns the body of a success, else nothing */
  async function settle(request: KeyedRequest): Promise<Readonly<Record<string, unknown>>> {
    const deadline = performance.now() + SETTLED_MS;
    for (;;) {
      const answers = await Promise.all(range(AT_ONCE).map((number) => send(request, number)));
      if (answers.some((answer) => answer !== null && isFinal(answer))) break;
      if (performance.now() > deadline) {
        throw new Error(
          `${request.path} is not settled: ${answers.map((answer) => answer?.text).join(', ')}`,
        );
      }
      await sleep(50);
    }
    const [text = '{}'] = request.successes;
    return JSON.parse(text) as Record<string, unknown>;
  }

  async function send(request: KeyedRequest, replica: number): Promise<Answer | null> {
    const answer = await deployment.trySend(replica % deployment.size, request.key, 'POST', request.path, {
      body: request.body,
      headers: { 'idempotency-key': request.mark },
    });
    if (answer?.status === 200) request.successes.add(answer.text);
    else if (answer !== null && isFinal(answer)) request.refusals.add(String(answer.body['code']));
    return answer;
  }

  /** A process is killed and started again, or the database is. One after the other. */
  async function breakSomething(number: number): Promise<void> {
    if (number % 3 === 2) {
      await postgres.crash();
      await postgres.recover();
    } else {
      await deployment.kill(number % deployment.size);
      await deployment.startReplica(number % deployment.size);
    }
  }

  it('have one effect and one answer each, and make no call twice', async () => {
    await whileSampling(postgres.url, async (sampler) => {
      const requests: KeyedRequest[] = [];
      let faults = 0;
      let breaking: Promise<void> = Promise.resolve();
      await forEachOf(range(REQUESTS), WIDTH, async (number) => {
        const request = await makeRequest(number);
        await settle(request);
        requests.push(request);
        if (faults < FAULTS && requests.length >= ((faults + 1) * REQUESTS) / (FAULTS + 1)) {
          const next = faults;
          faults += 1;
          breaking = breaking.then(() => breakSomething(next));
        }
      });
      await breaking;
      // Once more, now that everything works: whoever got an answer gets it again.
      await forEachOf(requests, WIDTH, async (request) => {
        const answer = await send(request, random.below(deployment.size));
        expect([request.path, answer !== null && isFinal(answer)]).toEqual([request.path, true]);
        if (answer?.status === 200) expect(answer.headers['idempotent-replayed']).toBe('true');
      });
      const reused = await deployment.send(0, requests[0]!.key, 'POST', requests[0]!.path, {
        body: { ...requests[0]!.body, metadata: {} },
        headers: { 'idempotency-key': requests[0]!.mark },
      });
      expect(reused.body['code']).toBe('idempotency_key_reused');

      const effects = await countEffects();
      for (const request of requests) {
        const { kind, mark, successes, refusals } = request;
        const isAnswered = successes.size > 0;
        expect([mark, successes.size]).toEqual([mark, isAnswered || kind !== 'call' ? 1 : 0]);
        // A call whose process died has none if it died before the call was admitted.
        const rows = effects.get(mark) ?? 0;
        expect([mark, rows]).toEqual([mark, isAnswered ? 1 : Math.min(rows, 1)]);
        // Only of a call may nobody know what came of it.
        for (const code of refusals) {
          expect([mark, kind, code]).toEqual([mark, 'call', expect.stringMatching(CODES_OF_LOST_CALLS)]);
        }
      }
      // One call for each key that asked for one, each of them with one attempt, which was sent once.
      const sent = await expectAttemptsOnRecord(postgres, upstream);
      expect(sent).toBeLessThanOrEqual(requests.filter(({ kind }) => kind === 'call').length);
      const samples = await expectSoundBooks(postgres, sampler);
      report('idempotency keys', {
        keys: requests.length,
        'calls sent': sent,
        ...tally(requests.flatMap(({ refusals }) => [...refusals])),
        faults,
        samples,
      });
    });
  }, 1_800_000);

  /** Rows by mark. */
  async function countEffects(): Promise<ReadonlyMap<string, number>> {
    const rows = await postgres.query<{ mark: string; rows: number }>(
      `SELECT mark, count(*)::int AS rows
         FROM (SELECT user_id AS mark FROM jobs UNION ALL SELECT purpose FROM llm_calls
               UNION ALL SELECT reason FROM credit_grants) marked
        WHERE mark IS NOT NULL GROUP BY mark`,
    );
    return new Map(rows.map((row) => [row.mark, row.rows]));
  }
});

/** What the client of a call is told whose process died, or whose end could not be written. */
const CODES_OF_LOST_CALLS = /^(call_interrupted|internal_error)$/;

/** Whether a client has its answer: not while the first request still runs, nor after a fault that may be repeated. */
function isFinal(answer: Answer): boolean {
  if (answer.body['code'] === 'idempotency_in_progress') return false;
  return answer.status < 500 || answer.headers['x-should-retry'] === 'false';
}
