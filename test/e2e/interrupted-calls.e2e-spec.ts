import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CallSweepService } from '../../src/jobs/call-sweep.service.js';
import { makeJob, makeTeam, MESSAGES } from '../support/factories.js';
import { query } from '../support/database.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

describe('calls of a process that died', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  /** A call in flight, as a process leaves it that is killed while it waits for the upstream. */
  async function leaveCallInFlight(options: { isPastDeadline: boolean; isLeaseRunning: boolean }) {
    const team = await makeTeam(service, { groups: [['fault-status-500', 'fault-hang']] });
    const jobId = await makeJob(service, team);
    service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .catch(() => undefined);
    const waiting = service.sandbox.servedCount('fault-hang') + 1;
    await waitUntil(() => service.sandbox.servedCount('fault-hang') >= waiting);
    const [{ process_id: processId }] = (await query<{ process_id: string }>(
      service.database.url,
      `UPDATE llm_calls SET process_id = gen_random_uuid(),
              deadline_at = deadline_at - CASE WHEN $2 THEN interval '1 day' ELSE interval '0' END
        WHERE job_id = $1 RETURNING process_id`,
      [jobId, options.isPastDeadline],
    )) as [{ process_id: string }];
    await query(
      service.database.url,
      `INSERT INTO llm_call_leases VALUES ($1, now() + CASE WHEN $2 THEN interval '1 day' ELSE interval '-1 second' END)`,
      [processId, options.isLeaseRunning],
    );
    return { team, jobId };
  }

  const sweep = () => service.app.get(CallSweepService).sweep();
  const costsOf = async (jobId: string) => {
    const answer = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    return answer.body.costs as Record<string, unknown> & {
      breakdown: (Record<string, unknown> & { attempts: unknown[] })[];
    };
  };

  it('are left alone while the lease runs, or before their deadline', async () => {
    const alive = await leaveCallInFlight({ isPastDeadline: true, isLeaseRunning: true });
    const early = await leaveCallInFlight({ isPastDeadline: false, isLeaseRunning: false });
    expect(await sweep()).toBe(0);
    expect((await costsOf(alive.jobId)).running_calls).toBe(1);
    expect((await costsOf(early.jobId)).running_calls).toBe(1);
  });

  it('are marked interrupted, with every attempt kept and the cost unknown', async () => {
    const { team, jobId } = await leaveCallInFlight({ isPastDeadline: true, isLeaseRunning: false });
    const replica = await startTestService({ database: service.database });
    try {
      const ended = await Promise.all([sweep(), replica.app.get(CallSweepService).sweep(), sweep()]);
      // The replica also sweeps as it starts; whoever was first, one process ended the call, once.
      expect(ended.reduce((total, count) => total + count, 0)).toBeLessThanOrEqual(1);
    } finally {
      await replica.stop();
    }
    const costs = await costsOf(jobId);
    expect(costs).toMatchObject({ total_calls: 1, failed_calls: 1, running_calls: 0, unpriced_calls: 1 });
    expect(costs.breakdown[0]).toMatchObject({ status: 'interrupted', is_unpriced: true, latency_ms: null });
    expect(costs.breakdown[0]!.attempts).toEqual([
      expect.objectContaining({ status: 'failed', cost_usd: 0, cost_source: 'upstream_header' }),
      expect.objectContaining({ status: 'interrupted', cost_usd: null, cost_source: 'unpriced' }),
    ]);
    const completed = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(completed.body.costs.credits_charged).toBe(0);
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  /** A call that has reached the upstream and still waits for it. */
  async function startCall(models: readonly string[], isFaultExpected = false) {
    const team = await makeTeam(service, { groups: [models] });
    const jobId = await makeJob(service, team);
    service.sandbox.reset();
    const answer = service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        key: team.key,
        body: { messages: MESSAGES },
        isFaultExpected,
      })
      .then((response) => response);
    await waitUntil(() => service.sandbox.servedCount() === 1);
    return { jobId, answer };
  }

  describe('when the process was only slow', () => {
    /** Ends a call as a sweep does, while the process that makes it still waits for the upstream. */
    async function sweepDuringCall(models: readonly string[]) {
      const { jobId, answer } = await startCall(models);
      await query(
        service.database.url,
        `UPDATE llm_calls SET process_id = gen_random_uuid(), deadline_at = now() - interval '1 day' WHERE job_id = $1`,
        [jobId],
      );
      expect(await sweep()).toBe(1);
      return { jobId, answer: await answer };
    }

    it('its answer is not given, and may not be asked for again', async () => {
      const { jobId, answer } = await sweepDuringCall(['fault-delay-2000']);
      expect(answer.status).toBe(409);
      expect(answer.body.code).toBe('call_interrupted');
      expect(answer.headers['x-should-retry']).toBe('false');
      expect(await costsOf(jobId)).toMatchObject({ total_calls: 1, failed_calls: 1, unpriced_calls: 1 });
      expect(await ledgerDifferences(service.database.url)).toEqual([]);
    });

    it('no further model is tried', async () => {
      const { jobId, answer } = await sweepDuringCall(['fault-delay-2000+status-500', 'gpt-4o-mini']);
      expect(answer.body.code).toBe('call_interrupted');
      expect(service.sandbox.servedCount('gpt-4o-mini')).toBe(0);
      expect((await costsOf(jobId)).breakdown[0]!.attempts).toHaveLength(1);
      expect(await ledgerDifferences(service.database.url)).toEqual([]);
    });
  });

  it('whose end cannot be written answer 500 and forbid a retry, and keep their row', async () => {
    const { jobId, answer } = await startCall(['fault-delay-2000'], true);
    await query(service.database.url, 'ALTER TABLE llm_attempts RENAME TO llm_attempts_gone');
    const { status, body, headers } = await answer;
    await query(service.database.url, 'ALTER TABLE llm_attempts_gone RENAME TO llm_attempts');
    expect(status).toBe(500);
    expect(headers['x-should-retry']).toBe('false');
    expect(JSON.stringify(body)).not.toContain('llm_attempts');
    expect((await costsOf(jobId)).running_calls).toBe(1);
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });
});

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((wake) => setTimeout(wake, 5));
}
