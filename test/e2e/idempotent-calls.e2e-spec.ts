import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../../src/common/clock.js';
import { Transactions } from '../../src/database/transactions.js';
import { IdempotencyService } from '../../src/idempotency/idempotency.service.js';
import { JobCallsService } from '../../src/jobs/job-calls.service.js';
import { query } from '../support/database.js';
import { makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import {
  callIn,
  countCalls,
  countKeys,
  expectReplay,
  isReplay,
  post,
  waitUntil,
} from '../support/idempotency.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

const DAY_MS = 86_400_000;

describe('an LLM call with an Idempotency-Key', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  async function startJob(models: readonly string[]): Promise<{ team: TestTeam; jobId: string }> {
    const team = await makeTeam(service, { groups: [models] });
    const jobId = await makeJob(service, team);
    service.sandbox.reset();
    return { team, jobId };
  }

  /** As after the death of the process that makes the call. */
  async function endLease(idempotencyKey: string): Promise<void> {
    await query(
      service.database.url,
      `UPDATE idempotency_keys SET lease_expires_at = now() - interval '1 day' WHERE idempotency_key = $1`,
      [idempotencyKey],
    );
  }

  async function leaseOf(idempotencyKey: string): Promise<number> {
    const rows = await query<{ at: Date }>(
      service.database.url,
      'SELECT lease_expires_at AS at FROM idempotency_keys WHERE idempotency_key = $1',
      [idempotencyKey],
    );
    return rows[0]?.at.getTime() ?? 0;
  }

  it('spends once, however often it is sent', async () => {
    const { team, jobId } = await startJob(['gpt-4o-mini']);
    const sent = callIn(team, jobId);
    const first = await post(service, sent);
    expect([first.status, isReplay(first)]).toEqual([200, false]);
    for (let round = 0; round < 3; round += 1) expectReplay(await post(service, sent), first);
    expect(service.sandbox.servedCount()).toBe(1);
    expect(await countCalls(service, jobId)).toBe(1);
    const other = await post(service, { ...sent, body: { messages: [...MESSAGES, ...MESSAGES] } });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('sent many times at once leaves once', async () => {
    const { team, jobId } = await startJob(['fault-delay-300']);
    const sent = callIn(team, jobId);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(service, sent)));
    const done = answers.filter((answer) => answer.status === 200);
    const others = answers.filter((answer) => answer.status !== 200);
    expect(done.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(others.map((answer) => answer.body.code as string)).toEqual(
      others.map(() => 'idempotency_in_progress'),
    );
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('is told to wait while it runs, for longer than its first lease', async () => {
    const short = await startTestService({
      database: service.database,
      upstreamUrl: service.sandbox.baseUrl,
      environment: { CALL_LEASE_MS: '500' },
    });
    try {
      const { team, jobId } = await startJob(['fault-delay-2500']);
      const sent = callIn(team, jobId);
      const answer = post(short, sent);
      await waitUntil(async () => (await leaseOf(sent.idempotencyKey)) > 0);
      const first = await leaseOf(sent.idempotencyKey);
      await waitUntil(async () => (await leaseOf(sent.idempotencyKey)) > first + 500);
      const early = await post(service, sent);
      expect([early.status, early.body.code]).toEqual([409, 'idempotency_in_progress']);
      expect([early.headers['retry-after'], early.headers['x-should-retry']]).toEqual(['1', 'true']);
      const other = { ...sent, body: { messages: [{ role: 'user', content: 'Other.' }] } };
      const refused = await post(service, other);
      expect([refused.status, refused.body.code]).toEqual([422, 'idempotency_key_reused']);
      const done = await answer;
      expect([done.status, isReplay(done)]).toEqual([200, false]);
      expectReplay(await post(service, sent), done);
    } finally {
      await short.stop();
    }
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('may store its answer late, when its process was only slow', async () => {
    const { team, jobId } = await startJob(['fault-delay-1500']);
    const sent = callIn(team, jobId);
    const answer = post(service, sent);
    await waitUntil(() => service.sandbox.servedCount() === 1);
    await endLease(sent.idempotencyKey);
    const early = await post(service, sent);
    expect([early.status, early.body.code]).toEqual([409, 'call_interrupted']);
    expect(early.headers['x-should-retry']).toBe('false');
    const first = await answer;
    expect(first.status).toBe(200);
    expectReplay(await post(service, sent), first);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('is kept as a failure after something has left, and is not sent again', async () => {
    const { team, jobId } = await startJob(['fault-status-500']);
    const sent = callIn(team, jobId);
    const first = await post(service, sent);
    expect([first.status, first.headers['x-should-retry']]).toEqual([502, 'false']);
    expectReplay(await post(service, sent), first);
    expect(service.sandbox.servedCount()).toBe(1);
    expect(await countCalls(service, jobId)).toBe(1);
  });

  it('is kept when nobody answered in time', async () => {
    const hasty = await startTestService({
      database: service.database,
      upstreamUrl: service.sandbox.baseUrl,
      environment: { ATTEMPT_TIMEOUT_MS: '100' },
    });
    try {
      const { team, jobId } = await startJob(['fault-delay-5000']);
      const sent = callIn(team, jobId);
      const first = await post(hasty, sent);
      expect([first.status, first.headers['x-should-retry']]).toEqual([504, 'false']);
      expectReplay(await post(service, sent), first);
      expect(service.sandbox.servedCount()).toBe(1);
    } finally {
      await hasty.stop();
    }
  });

  it('is kept as made also when it could not be recorded', async () => {
    const { team, jobId } = await startJob(['fault-delay-1000']);
    const sent = { ...callIn(team, jobId), isFaultExpected: true };
    const answer = post(service, sent);
    await waitUntil(() => service.sandbox.servedCount() === 1);
    await query(service.database.url, 'ALTER TABLE llm_attempts RENAME TO llm_attempts_gone');
    const first = await answer;
    await query(service.database.url, 'ALTER TABLE llm_attempts_gone RENAME TO llm_attempts');
    expect([first.status, first.headers['x-should-retry']]).toEqual([500, 'false']);
    expectReplay(await post(service, sent), first);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('is kept as the provider refused it, and as its job has ended', async () => {
    const { team, jobId } = await startJob(['fault-bad-request']);
    const sent = callIn(team, jobId);
    const refused = await post(service, sent);
    expect([refused.status, refused.body.code]).toEqual([400, 'upstream_rejected_request']);
    expectReplay(await post(service, sent), refused);
    await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'failed' } })
      .expect(200);
    const late = callIn(team, jobId);
    const ended = await post(service, late);
    expect([ended.status, ended.body.code]).toEqual([409, 'job_not_open']);
    expectReplay(await post(service, late), ended);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('is not kept when nothing has left', async () => {
    const offline = await startTestService({
      database: service.database,
      upstreamUrl: 'http://127.0.0.1:9',
    });
    try {
      const { team, jobId } = await startJob(['gpt-4o-mini']);
      const sent = callIn(team, jobId);
      const failed = await post(offline, sent);
      expect([failed.status, failed.headers['x-should-retry']]).toEqual([502, undefined]);
      expect(await countKeys(service, sent.idempotencyKey)).toBe(0);
      // The upstream is back.
      const answered = await post(service, sent);
      expect([answered.status, isReplay(answered)]).toEqual([200, false]);
      expect(await countCalls(service, jobId)).toBe(2);
    } finally {
      await offline.stop();
    }
  });

  it('is not kept when its admission fails for a reason on our side', async () => {
    const { team, jobId } = await startJob(['gpt-4o-mini']);
    const sent = { ...callIn(team, jobId), isFaultExpected: true };
    await query(service.database.url, 'ALTER TABLE llm_attempts RENAME TO llm_attempts_gone');
    const failed = await post(service, sent);
    await query(service.database.url, 'ALTER TABLE llm_attempts_gone RENAME TO llm_attempts');
    expect([failed.status, failed.headers['x-should-retry']]).toEqual([500, undefined]);
    expect(await countKeys(service, sent.idempotencyKey)).toBe(0);
    const answered = await post(service, sent);
    expect([answered.status, isReplay(answered)]).toEqual([200, false]);
  });

  it('is not kept while it is not valid', async () => {
    const { team, jobId } = await startJob(['gpt-4o-mini']);
    const sent = callIn(team, jobId);
    expect((await post(service, { ...sent, body: { messages: [] } })).status).toBe(422);
    expect((await post(service, sent)).status).toBe(200);
  });

  it('is given its answer also when that cannot be stored, and is not sent again', async () => {
    const { team, jobId } = await startJob(['fault-delay-1000']);
    const sent = callIn(team, jobId);
    const answer = post(service, sent);
    await waitUntil(() => service.sandbox.servedCount() === 1);
    await query(service.database.url, 'ALTER TABLE idempotency_keys RENAME TO idempotency_keys_gone');
    const first = await answer;
    await query(service.database.url, 'ALTER TABLE idempotency_keys_gone RENAME TO idempotency_keys');
    expect(first.status).toBe(200);
    await endLease(sent.idempotencyKey);
    const again = await post(service, sent);
    expect([again.status, again.body.code]).toEqual([409, 'call_interrupted']);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('is not swept and not sent again while it runs, however old it is', async () => {
    const { team, jobId } = await startJob(['fault-delay-1500']);
    const sent = callIn(team, jobId);
    const answer = post(service, sent);
    await waitUntil(() => service.sandbox.servedCount() === 1);
    const clock = service.app.get(Clock, { strict: false });
    const now = jest.spyOn(clock, 'now').mockImplementation(() => new Date(Date.now() + 2 * DAY_MS));
    await service.app.get(IdempotencyService, { strict: false }).sweep(1_000);
    expect(await countKeys(service, sent.idempotencyKey)).toBe(1);
    const early = await post(service, sent);
    expect([early.status, early.body.code]).toEqual([409, 'idempotency_in_progress']);
    now.mockRestore();
    const first = await answer;
    expectReplay(await post(service, sent), first);
    expect(service.sandbox.servedCount()).toBe(1);
  });

  it('never leaves in a transaction that could be rolled back', async () => {
    const { jobId } = await startJob(['gpt-4o-mini']);
    const call = () =>
      service.app.get(JobCallsService, { strict: false }).call(
        { role: 'admin' },
        { kind: 'job', jobId },
        {
          modelGroup: null,
          purpose: null,
          metadata: {},
          request: { messages: [...MESSAGES], parameters: {} },
          schema: null,
        },
      );
    const transactions = service.app.get(Transactions, { strict: false });
    await expect(transactions.runRequest(call)).rejects.toThrow('@LeavesForProvider()');
    expect(service.sandbox.servedCount()).toBe(0);
    await call();
    expect(service.sandbox.servedCount()).toBe(1);
  });
});
