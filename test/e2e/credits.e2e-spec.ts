import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completeJob, expectBalance, makeCall, makeJob, makeTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

describe('credits', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  it('are set aside by a job and charged when it completes', async () => {
    const team = await makeTeam(service, { credits: 100 });
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
    const jobId = await makeJob(service, team);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 1 });
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it.each(['failed', 'cancelled'])('are given back when a job ends as %s', async (status) => {
    const team = await makeTeam(service, { credits: 3 });
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    await completeJob(service, team, jobId, status);
    await expectBalance(service, team, { allocated: 3, used: 0, held: 0 });
  });

  it('are refused with what is needed and what is there when none is available', async () => {
    const team = await makeTeam(service, { credits: 1 });
    await makeJob(service, team);
    const answer = await service
      .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } })
      .expect(402);
    expect(answer.body).toMatchObject({
      code: 'insufficient_credits',
      credits_required: 1,
      credits_available: 0,
    });
    const jobs = await service.call('get', `/api/teams/${team.teamId}/jobs`).expect(200);
    expect(jobs.body.data).toHaveLength(1);
  });

  it('are never oversold: 200 parallel creates on 50 credits make 50 jobs', async () => {
    const team = await makeTeam(service, { credits: 50 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        service.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } }),
      ),
    );
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
    expect(statuses.filter((status) => status === 402)).toHaveLength(150);
    await expectBalance(service, team, { allocated: 50, used: 0, held: 50 });
  });

  it('are charged once: 20 parallel completions of one job get equal bodies', async () => {
    const team = await makeTeam(service, { credits: 10 });
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        service.call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } }),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers['idempotent-replayed'] === 'true')).toHaveLength(19);
    await expectBalance(service, team, { allocated: 10, used: 1, held: 0 });
  });

  it('are charged once by complete, complete, fail, complete', async () => {
    const team = await makeTeam(service, { credits: 10 });
    const jobId = await makeJob(service, team);
    const end = (status: string) =>
      service.call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } });
    const first = await end('completed').expect(200);
    const second = await end('completed').expect(200);
    const failed = await end('failed').expect(409);
    const third = await end('completed').expect(200);
    expect(failed.body.code).toBe('job_not_open');
    expect(failed.headers['x-should-retry']).toBe('false');
    expect([second.text, third.text]).toEqual([first.text, first.text]);
    await expectBalance(service, team, { allocated: 10, used: 1, held: 0 });
  });

  it('are charged or given back, never both, when completed and failed race', async () => {
    const team = await makeTeam(service, { credits: 20 });
    for (let round = 0; round < 10; round += 1) {
      const jobId = await makeJob(service, team);
      const answers = await Promise.all(
        ['completed', 'failed', 'cancelled', 'completed'].map((status) =>
          service.call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } }),
        ),
      );
      const winners = new Set(
        answers.filter((answer) => answer.status === 200).map((answer) => answer.body.status as string),
      );
      expect(winners.size).toBe(1);
    }
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('are added with the admin key, and every grant is shown', async () => {
    const team = await makeTeam(service, { credits: 1 });
    const added = await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, {
        body: { credits: 25, reason: 'Invoice 4711' },
      })
      .expect(200);
    expect(added.body).toMatchObject({
      credits_allocated: 26,
      credits_remaining: 26,
      grant: { credits: 25, reason: 'Invoice 4711' },
    });
    await expectBalance(service, team, { allocated: 26, used: 0, held: 0 });
  });

  it('are not minted by a team for itself', async () => {
    const team = await makeTeam(service, { credits: 1 });
    const answer = await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, { key: team.key, body: { credits: 5 } })
      .expect(403);
    expect(answer.body.code).toBe('admin_key_required');
    await expectBalance(service, team, { allocated: 1, used: 0, held: 0 });
  });

  it('may be minted by a team where the deployment allows self-service, for itself only', async () => {
    const selfService = await startTestService({
      environment: { CREDITS_TEAM_SELF_SERVICE: 'true' },
      database: service.database,
    });
    try {
      const team = await makeTeam(service, { credits: 1 });
      const other = await makeTeam(service, { credits: 1 });
      const add = (teamId: string) =>
        selfService.call('post', `/api/credits/teams/${teamId}/add`, { key: team.key, body: { credits: 5 } });
      await add(team.teamId).expect(200);
      await add(other.teamId).expect(403);
      await expectBalance(service, team, { allocated: 6, used: 0, held: 0 });
      await expectBalance(service, other, { allocated: 1, used: 0, held: 0 });
    } finally {
      await selfService.stop();
    }
  });

  it('cannot be granted beyond what JSON can carry', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits: 1_000_000_000_001 } })
      .expect(422);
    await service.call('post', `/api/credits/teams/nobody/add`, { body: { credits: 1 } }).expect(404);
  });
});
