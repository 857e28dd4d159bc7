import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completeJob, makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { query } from '../support/database.js';
import { startTestService, type TestService } from '../support/service.js';

describe('usage', () => {
  let service: TestService;
  let team: TestTeam;

  /** A job of one call that costs 0.1 USD, completed at the given instant. */
  async function makeEndedJob(jobType: string, status: string, completedAt: string): Promise<void> {
    const jobId = await makeJob(service, team, jobType);
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .expect(200);
    await completeJob(service, team, jobId, status);
    await query(service.database.url, 'UPDATE jobs SET completed_at = $2 WHERE job_id = $1', [
      jobId,
      completedAt,
    ]);
  }

  beforeAll(async () => {
    service = await startTestService();
    team = await makeTeam(service, { groups: [['fault-cost-0.1']] });
    await makeEndedJob('summary', 'completed', '2024-10-01T00:00:00.000Z');
    await makeEndedJob('summary', 'failed', '2024-10-31T23:59:59.999Z');
    await makeEndedJob('chat', 'cancelled', '2024-10-15T12:00:00.000Z');
    await makeEndedJob('chat', 'completed', '2024-09-30T23:59:59.999Z');
    await makeEndedJob('chat', 'completed', '2024-11-01T00:00:00.000Z');
    await makeJob(service, team, 'chat');
  });
  afterAll(() => service.stop());

  const usage = (parameters: Record<string, string>, key = team.key) =>
    service.call('get', `/api/teams/${team.teamId}/usage`, { key, query: parameters });

  it('counts the jobs that ended in a UTC month, each with its whole cost', async () => {
    const answer = await usage({ period: '2024-10' }).expect(200);
    expect(answer.body).toEqual({
      team_id: team.teamId,
      period: '2024-10',
      summary: {
        total_jobs: 3,
        successful_jobs: 1,
        failed_jobs: 1,
        cancelled_jobs: 1,
        total_tokens: expect.any(Number),
        total_cost_usd: 0.3,
        avg_cost_per_job: 0.1,
        unpriced_calls: 0,
      },
      job_types: { summary: { count: 2, cost_usd: 0.2 }, chat: { count: 1, cost_usd: 0.1 } },
    });
  });

  it('counts between two days, the last one included', async () => {
    const answer = await usage({ start_date: '2024-09-30', end_date: '2024-10-15' }).expect(200);
    expect(answer.body).toMatchObject({ period: '2024-09-30/2024-10-15', summary: { total_jobs: 3 } });
  });

  it('is zeros for a period without data, and of the current month when none is named', async () => {
    const empty = await usage({ period: '1999-01' }).expect(200);
    expect(empty.body).toMatchObject({
      summary: { total_jobs: 0, total_cost_usd: 0, avg_cost_per_job: 0 },
      job_types: {},
    });
    const current = await usage({}).expect(200);
    expect(current.body.period).toBe(new Date().toISOString().slice(0, 7));
  });

  it.each([
    [{ period: '2024-13' }, 'period'],
    [{ period: '2024-1' }, 'period'],
    [{ period: 'october' }, 'period'],
    [{ period: '' }, 'period'],
    [{ start_date: '2024-10-01' }, 'end_date'],
    [{ start_date: '2024-02-30', end_date: '2024-03-01' }, 'start_date'],
    [{ start_date: '2024-10-02', end_date: '2024-10-01' }, 'end_date'],
    [{ period: '2024-10', start_date: '2024-10-01', end_date: '2024-10-02' }, 'period'],
    [{ month: '2024-10' }, 'month'],
  ])('refuses the period %j, naming the field', async (parameters, field) => {
    const answer = await usage(parameters as unknown as Record<string, string>).expect(422);
    expect(answer.body.errors[0].field).toBe(field);
  });
});
