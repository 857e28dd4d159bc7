import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { Response } from 'supertest';
import { query } from '../support/database.js';
import { makeJob, makeTeam } from '../support/factories.js';
import {
  callIn,
  countCalls,
  countJobs,
  countKeys,
  countWaiting,
  isReplay,
  jobCreation,
  type KeyedPost,
  post,
  waitUntil,
} from '../support/idempotency.js';
import { makeWorkplace, type ServerProcess, startServer, type Workplace } from '../support/server-process.js';
import { ledgerDifferences, MASTER_KEY, startTestService, type TestService } from '../support/service.js';

describe('a request with an Idempotency-Key to a process that ends', () => {
  /** The replica that lives. */
  let service: TestService;
  let workplace: Workplace;
  const victims: ServerProcess[] = [];

  beforeAll(async () => {
    service = await startTestService();
    workplace = await makeWorkplace();
  });
  afterAll(async () => {
    // Only those of a test that failed are still there.
    for (const victim of victims) await victim.end('SIGKILL');
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await workplace.remove();
    await service.stop();
  });

  /** Another replica, in a process of its own. */
  async function startVictim(): Promise<ServerProcess> {
    const victim = await startServer({
      workplace,
      environment: {
        NODE_ENV: 'test',
        MASTER_KEY,
        DATABASE_URL: service.database.url,
        LITELLM_BASE_URL: service.sandbox.baseUrl,
        LITELLM_API_KEY: 'sk-service-key',
        CALL_LEASE_MS: '500',
        LOG_LEVEL: 'silent',
      },
    });
    victims.push(victim);
    return victim;
  }

  /** Sends a request and forgets it. */
  function sendTo(victim: ServerProcess, sent: KeyedPost, signal: AbortSignal | null = null): void {
    void fetch(victim.baseUrl + sent.path, {
      method: 'POST',
      signal,
      headers: {
        authorization: `Bearer ${sent.key ?? MASTER_KEY}`,
        'content-type': 'application/json',
        'idempotency-key': sent.idempotencyKey,
      },
      body: JSON.stringify(sent.body),
    }).catch(() => undefined);
  }

  /** As a client does that is told to wait. */
  async function retry(sent: KeyedPost): Promise<Response> {
    for (;;) {
      const answer = await post(service, sent);
      if (answer.body.code !== 'idempotency_in_progress') return answer;
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  it('killed after its commit, gets the first answer, and nothing happens again', async () => {
    const victim = await startVictim();
    const team = await makeTeam(service);
    const sent = jobCreation(team);
    sendTo(victim, sent);
    await waitUntil(async () => (await countKeys(service, sent.idempotencyKey)) === 1);
    await victim.end('SIGKILL');

    const answer = await retry(sent);
    expect([answer.status, isReplay(answer)]).toEqual([200, true]);
    expect(
      await query(service.database.url, 'SELECT job_id FROM jobs WHERE team_id = $1', [team.teamId]),
    ).toEqual([{ job_id: answer.body.job_id as string }]);
  });

  it('killed before its commit, finds that nothing has happened, and is carried out', async () => {
    const victim = await startVictim();
    const team = await makeTeam(service);
    const sent = jobCreation(team);
    const rival = new Client({ connectionString: service.database.url });
    await rival.connect();
    await rival.query('BEGIN');
    await rival.query('SELECT FROM credit_accounts WHERE team_id = $1 FOR UPDATE', [team.teamId]);
    sendTo(victim, sent);
    await waitUntil(async () => (await countWaiting(service)) > 0);
    // The job's row is written by now, and not committed.
    await victim.end('SIGKILL');
    await rival.query('COMMIT');
    await rival.end();

    const answer = await retry(sent);
    expect([answer.status, isReplay(answer)]).toEqual([200, false]);
    expect(await countJobs(service, team)).toBe(1);
  });

  it('killed during a call, is told so after the lease, and the call is not sent again', async () => {
    const victim = await startVictim();
    const team = await makeTeam(service, { groups: [['fault-hang']] });
    const jobId = await makeJob(service, team);
    const sent = callIn(team, jobId);
    sendTo(victim, sent);
    await waitUntil(() => service.sandbox.servedCount('fault-hang') === 1);
    await victim.end('SIGKILL');

    for (let round = 0; round < 2; round += 1) {
      const answer = await retry(sent);
      expect([answer.status, answer.body.code]).toEqual([409, 'call_interrupted']);
      expect(answer.headers['x-should-retry']).toBe('false');
    }
    expect(service.sandbox.servedCount('fault-hang')).toBe(1);
    expect(await countCalls(service, jobId)).toBe(1);
  });

  it('in an orderly way during a call, after the client has gone, finds the answer', async () => {
    const victim = await startVictim();
    const team = await makeTeam(service, { groups: [['fault-delay-1500']] });
    const jobId = await makeJob(service, team);
    const sent = callIn(team, jobId);
    const abort = new AbortController();
    sendTo(victim, sent, abort.signal);
    await waitUntil(() => service.sandbox.servedCount('fault-delay-1500') === 1);
    abort.abort();
    expect(await victim.end('SIGTERM')).toBe(0);

    const answer = await retry(sent);
    expect([answer.status, isReplay(answer)]).toEqual([200, true]);
    expect(service.sandbox.servedCount('fault-delay-1500')).toBe(1);
  });
});
