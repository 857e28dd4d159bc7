import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectBalance, makeTeam, MESSAGES, type TestTeam, WORKING_MODEL } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { framesOf, openStream } from '../support/streams.js';

describe('a job that is created for one call', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ environment: { ATTEMPT_TIMEOUT_MS: '3000' } });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const BODY = { job_type: 'question', messages: MESSAGES, user_id: 'john', job_metadata: { page: 1 } };

  function createAndCall(team: TestTeam, body: object = {}) {
    return service.call('post', '/api/jobs/create-and-call', { key: team.key, body: { ...BODY, ...body } });
  }

  it('is completed and charged with its call, in one answer', async () => {
    const team = await makeTeam(service);
    const { body, headers } = await createAndCall(team).expect(200);
    expect(body).toMatchObject({
      status: 'completed',
      response: { role: 'assistant', finish_reason: 'stop' },
      metadata: { model_group: team.groups[0] },
      costs: { total_calls: 1, credit_applied: true, credits_charged: 1, credits_remaining: 99 },
    });
    expect(headers).toMatchObject({
      'x-job-id': body.job_id,
      'x-call-id': body.call_id,
      'x-credits-held': '1',
      'x-credits-available': '99',
    });
    const job = await service.call('get', `/api/jobs/${body.job_id}`, { key: team.key }).expect(200);
    expect(job.body).toMatchObject({
      status: 'completed',
      job_type: 'question',
      user_id: 'john',
      metadata: { page: 1 },
    });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('fails with its call, is free, and is named by the error', async () => {
    const team = await makeTeam(service, { groups: [['fault-status-500']] });
    const { body, headers } = await createAndCall(team).expect(502);
    expect(body.code).toBe('upstream_failed');
    const jobId = headers['x-job-id'] as string;
    const job = await service.call('get', `/api/jobs/${jobId}`, { key: team.key }).expect(200);
    expect(job.body).toMatchObject({ status: 'failed' });
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('needs its credit before anything is sent', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const served = service.sandbox.servedCount();
    await createAndCall(team).expect(402);
    expect(service.sandbox.servedCount()).toBe(served);
    const jobs = await service.call('get', `/api/teams/${team.teamId}/jobs`, { key: team.key }).expect(200);
    expect(jobs.body.data).toEqual([]);
  });

  it('leaves no job behind when its call may not begin', async () => {
    const team = await makeTeam(service);
    await createAndCall(team, { model_group: 'nobody-knows' }).expect(403);
    const jobs = await service.call('get', `/api/teams/${team.teamId}/jobs`, { key: team.key }).expect(200);
    expect(jobs.body.data).toEqual([]);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('of many at once never oversells', async () => {
    const team = await makeTeam(service, { credits: 5 });
    const answers = await Promise.all(Array.from({ length: 15 }, () => createAndCall(team)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(5).fill(200), ...Array<number>(10).fill(402)]);
    await expectBalance(service, team, { allocated: 5, used: 5, held: 0 });
  });

  it('streams, and tells of its end in the last chunk', async () => {
    const team = await makeTeam(service);
    const answer = await openStream(service, '/api/jobs/create-and-call-stream', {
      key: team.key,
      body: BODY,
    });
    expect(answer.headers.get('x-credits-available')).toBe('99');
    const last = framesOf(await answer.text()).at(-1);
    expect(last?.job).toMatchObject({ status: 'completed', costs: { credits_charged: 1, total_calls: 1 } });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('shows a team no cost that it may not see, in a stream neither', async () => {
    const team = await makeTeam(service, { costVisibility: 'none' });
    const answer = await openStream(service, '/api/jobs/create-and-call', {
      key: team.key,
      body: { ...BODY, stream: true },
    });
    expect(await answer.text()).not.toContain('cost_usd');
    const { text } = await createAndCall(team).expect(200);
    expect(text).not.toContain('cost_usd');
  });

  it('fails with a stream that breaks off', async () => {
    const team = await makeTeam(service, { groups: [['fault-late-error']] });
    const answer = await openStream(service, '/api/jobs/create-and-call-stream', {
      key: team.key,
      body: BODY,
    });
    await answer.text();
    const job = await service
      .call('get', `/api/jobs/${String(answer.headers.get('x-job-id'))}`, { key: team.key })
      .expect(200);
    expect(job.body.status).toBe('failed');
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('takes no second call while the first one runs', async () => {
    const team = await makeTeam(service, { groups: [['fault-chunks-20+chunk-delay-50']] });
    const answer = await openStream(service, '/api/jobs/create-and-call-stream', {
      key: team.key,
      body: BODY,
    });
    const jobId = String(answer.headers.get('x-job-id'));
    const second = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
      .expect(409);
    expect(second.body.code).toBe('job_not_open');
    await answer.text();
  });

  it('that was ended by hand while its call ran keeps that end', async () => {
    const team = await makeTeam(service, { groups: [['fault-chunks-20+chunk-delay-50']] });
    const answer = await openStream(service, '/api/jobs/create-and-call-stream', {
      key: team.key,
      body: BODY,
    });
    const jobId = String(answer.headers.get('x-job-id'));
    await service.call('post', `/api/jobs/${jobId}/cancel`, { key: team.key }).expect(200);
    const last = framesOf(await answer.text()).at(-1);
    expect(last?.usage).toBeDefined();
    expect(last?.job).toMatchObject({ status: 'cancelled' });
    const job = await service.call('get', `/api/jobs/${jobId}`, { key: team.key }).expect(200);
    expect(job.body.status).toBe('cancelled');
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('with a key is made once', async () => {
    const team = await makeTeam(service, { groups: [[WORKING_MODEL]] });
    const send = () => createAndCall(team).set('Idempotency-Key', 'once');
    const first = await send().expect(200);
    const second = await send().expect(200);
    expect(second.text).toBe(first.text);
    expect(second.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'x-job-id': first.headers['x-job-id'],
      'x-credits-available': '99',
    });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });
});
