import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completeJob, expectBalance, makeCall, makeJob, makeTeam, MESSAGES } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

const FAILING_MODEL = 'fault-status-500';

describe('jobs', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  it('are charged without a call', async () => {
    const team = await makeTeam(service, { credits: 5 });
    await completeJob(service, team, await makeJob(service, team));
    await expectBalance(service, team, { allocated: 5, used: 1, held: 0 });
  });

  it('are free when every call failed', async () => {
    const team = await makeTeam(service, { credits: 5, groups: [[FAILING_MODEL]] });
    const jobId = await makeJob(service, team);
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .expect(502);
    const completed = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(completed.body.costs).toMatchObject({
      total_calls: 1,
      successful_calls: 0,
      failed_calls: 1,
      credit_applied: false,
      credits_charged: 0,
      credits_remaining: 5,
    });
    await expectBalance(service, team, { allocated: 5, used: 0, held: 0 });
  });

  it('are charged when one call failed among successes', async () => {
    const team = await makeTeam(service, { credits: 5, groups: [['gpt-4o-mini'], [FAILING_MODEL]] });
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        key: team.key,
        body: { messages: MESSAGES, model_group: team.groups[1] },
      })
      .expect(502);
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 5, used: 1, held: 0 });
  });

  it('are charged while calls still run, and record those calls when they end', async () => {
    const team = await makeTeam(service, { credits: 5, groups: [['fault-delay-2000']] });
    const jobId = await makeJob(service, team);
    const late = service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .then((answer) => answer);
    await waitForRunningCall(jobId);
    const completed = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(completed.body.costs).toMatchObject({ total_calls: 1, successful_calls: 0, credits_charged: 1 });

    expect((await late).status).toBe(200);
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    expect(costs.body.costs).toMatchObject({ total_calls: 1, successful_calls: 1, running_calls: 0 });
    expect(costs.body.costs.total_cost_usd).toBeGreaterThan(0);
    const replayed = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(replayed.text).toBe(completed.text);
  });

  async function waitForRunningCall(jobId: string): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      if (costs.body.costs.running_calls === 1) return;
    }
    throw new Error('The call did not start.');
  }

  it('take no call after they have ended', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    await completeJob(service, team, jobId);
    const before = service.sandbox.servedCount();
    const answer = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .expect(409);
    expect(answer.body.code).toBe('job_not_open');
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(service.sandbox.servedCount()).toBe(before);
  });

  it('keep metadata within its limit also when it is merged', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const end = (size: number) =>
      service.call('post', `/api/jobs/${jobId}/complete`, {
        key: team.key,
        body: { status: 'completed', metadata: { [`text-${String(size)}`]: 'x'.repeat(size) } },
      });
    await service
      .call('post', '/api/jobs/create', {
        key: team.key,
        body: { job_type: 'demo', metadata: { text: 'x'.repeat(17 * 1024) } },
      })
      .expect(422);
    await end(17 * 1024).expect(422);
    await end(10 * 1024).expect(200);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('of another team look like jobs that do not exist', async () => {
    const owner = await makeTeam(service);
    const stranger = await makeTeam(service);
    const jobId = await makeJob(service, owner);
    const missing = '01890a5d-ac96-774b-bcce-b302099a8057';
    for (const id of [jobId, missing, 'no-uuid']) {
      for (const [method, path, body] of [
        ['get', '', undefined],
        ['post', '/complete', { status: 'completed' }],
        ['post', '/llm-call', { messages: MESSAGES }],
      ] as const) {
        const answer = await service
          .call(method, `/api/jobs/${id}${path}`, { key: stranger.key, body })
          .expect(404);
        expect({ ...answer.body, request_id: '' }).toEqual({
          type: '/docs/errors/job_not_found',
          title: 'Not Found',
          status: 404,
          detail: 'There is no such job.',
          code: 'job_not_found',
          request_id: '',
        });
      }
    }
  });

  it('are created by the admin for a team that is named, and by a team for itself only', async () => {
    const team = await makeTeam(service);
    const other = await makeTeam(service);
    const create = (key: string | undefined, teamId?: string) =>
      service.call('post', '/api/jobs/create', {
        ...(key !== undefined && { key }),
        body: { job_type: 'demo', team_id: teamId },
      });
    await create(undefined, team.teamId).expect(200);
    await create(team.key, team.teamId).expect(200);
    expect((await create(undefined).expect(422)).body.errors[0].field).toBe('team_id');
    expect((await create(undefined, 'nobody').expect(404)).body.code).toBe('team_not_found');
    const foreign = await create(team.key, other.teamId).expect(403);
    const unknown = await create(team.key, 'nobody').expect(403);
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
  });

  it('of a suspended team go on, but no new job or call begins', async () => {
    const team = await makeTeam(service, { credits: 5 });
    const jobId = await makeJob(service, team);
    const suspended = await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
    expect(suspended.body).toMatchObject({ team_id: team.teamId, status: 'suspended' });
    const call = () =>
      service.call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } });
    const create = () =>
      service.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } });
    expect((await call().expect(403)).body.code).toBe('team_suspended');
    expect((await create().expect(403)).body.code).toBe('team_suspended');
    await service.call('get', `/api/jobs/${jobId}`, { key: team.key }).expect(200);
    await completeJob(service, team, jobId);
    await service.call('put', `/api/teams/${team.teamId}/resume`).expect(200);
    await create().expect(200);
    await service.call('put', '/api/teams/nobody/suspend').expect(404);
  });

  it('are listed newest first, in pages that hold while jobs arrive', async () => {
    const team = await makeTeam(service);
    const created: string[] = [];
    for (let index = 0; index < 5; index += 1) created.unshift(await makeJob(service, team));
    const page = (query: Record<string, string>) =>
      service.call('get', `/api/teams/${team.teamId}/jobs`, { key: team.key, query }).expect(200);
    const first = await page({ limit: '2' });
    await makeJob(service, team);
    const second = await page({ limit: '2', cursor: first.body.next_cursor as string });
    const third = await page({ limit: '2', cursor: second.body.next_cursor as string });
    const ids = [first, second, third].flatMap((answer) =>
      (answer.body.data as { job_id: string }[]).map((job) => job.job_id),
    );
    expect(ids).toEqual(created);
    expect(third.body).toMatchObject({ has_more: false, next_cursor: null });
  });

  it('are filtered by status in any case, type, user and time', async () => {
    const team = await makeTeam(service);
    const key = team.key;
    const create = async (body: object) =>
      (await service.call('post', '/api/jobs/create', { key, body }).expect(200)).body.job_id as string;
    const summary = await create({ job_type: 'summary', user_id: 'john@acme.com' });
    const chat = await create({ job_type: 'chat', user_id: 'alice@acme.com' });
    await completeJob(service, team, summary);
    const list = async (query: Record<string, string>) =>
      (
        (await service.call('get', `/api/teams/${team.teamId}/jobs`, { key, query }).expect(200)).body
          .data as { job_id: string }[]
      ).map((job) => job.job_id);
    expect(await list({ status: 'COMPLETED' })).toEqual([summary]);
    expect(await list({ status: 'pending' })).toEqual([chat]);
    expect(await list({ job_type: 'summary' })).toEqual([summary]);
    expect(await list({ user_id: 'alice@acme.com' })).toEqual([chat]);
    expect(await list({ created_after: '2001-01-01' })).toEqual([chat, summary]);
    expect(await list({ created_before: '2001-01-01T00:00:00+02:00' })).toEqual([]);
  });
});
