import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  completeJob,
  expectBalance,
  makeCall,
  makeJob,
  makeTeam,
  MESSAGES,
  type TestTeam,
} from '../support/factories.js';
import {
  ledgerDifferences,
  type Method,
  startTestService,
  type TestService,
  uniqueName,
} from '../support/service.js';

const MISSING_JOB = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('routes of a job', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const onJob = (method: Method, team: TestTeam, jobId: string, path: string, body?: object) =>
    service.call(method, `/api/jobs/${jobId}${path}`, { key: team.key, body });
  const cancel = (team: TestTeam, jobId: string, body?: object) =>
    onJob('post', team, jobId, '/cancel', body);
  const complete = (team: TestTeam, jobId: string, status: string) =>
    onJob('post', team, jobId, '/complete', { status });
  const callIn = (team: TestTeam, jobId: string, body: object = {}) =>
    onJob('post', team, jobId, '/llm-call', { messages: MESSAGES, ...body });
  const patch = (team: TestTeam, jobId: string, metadata: unknown) =>
    onJob('patch', team, jobId, '/metadata', { metadata });
  const read = async (team: TestTeam, jobId: string, path = '') =>
    (await onJob('get', team, jobId, path).expect(200)).body as Record<string, unknown>;

  async function waitForRunningCall(jobId: string): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      if (costs.body.costs.running_calls === 1) return;
    }
    throw new Error('The call did not start.');
  }

  it.each([
    ['post', '/cancel', undefined],
    ['patch', '/metadata', { metadata: { a: 1 } }],
    ['get', '?expand=calls', undefined],
  ] as const)(
    'look to another team as those of a job that does not exist: %s %s',
    async (method, path, body) => {
      const owner = await makeTeam(service);
      const stranger = await makeTeam(service);
      const jobId = await makeJob(service, owner);
      const foreign = await onJob(method, stranger, jobId, path, body).expect(404);
      const missing = await onJob(method, stranger, MISSING_JOB, path, body).expect(404);
      expect({ ...foreign.body, request_id: '' }).toEqual({ ...missing.body, request_id: '' });
      expect(await read(owner, jobId)).toMatchObject({ status: 'pending', metadata: {} });
    },
  );

  it('repeat the answer to an end as it was, also when the team may see more or less of costs by then', async () => {
    for (const [before, after] of [
      ['none', 'summary'],
      ['summary', 'none'],
    ] as const) {
      const team = await makeTeam(service, { costVisibility: before });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const first = await complete(team, jobId, 'completed').expect(200);
      await service
        .call('put', `/api/teams/${team.teamId}`, { body: { cost_visibility: after } })
        .expect(200);
      const again = await complete(team, jobId, 'completed').expect(200);
      expect(again.text).toBe(first.text);
      expect('total_cost_usd' in (again.body.costs as object)).toBe(before === 'summary');
    }
  });

  describe('cancelling', () => {
    it.each([
      ['no body', undefined],
      ['an empty body', {}],
    ])('gives the credit back, with %s', async (_, body) => {
      const team = await makeTeam(service, { credits: 5 });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const answer = await cancel(team, jobId, body).expect(200);
      expect(answer.body).toMatchObject({
        job_id: jobId,
        status: 'cancelled',
        costs: { total_calls: 1, credit_applied: false, credits_charged: 0, credits_remaining: 5 },
      });
      expect(await read(team, jobId)).toMatchObject({
        status: 'cancelled',
        credits_held: 0,
        completed_at: answer.body.completed_at,
      });
      await expectBalance(service, team, { allocated: 5, used: 0, held: 0 });
    });

    it('keeps the reason and merges the metadata', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await patch(team, jobId, { step: 1, file: 'a.pdf' }).expect(200);
      await cancel(team, jobId, { error_message: 'Not needed.', metadata: { step: 2 } }).expect(200);
      expect(await read(team, jobId)).toMatchObject({
        error_message: 'Not needed.',
        metadata: { step: 2, file: 'a.pdf' },
      });
    });

    it('is the same as completing with cancelled, and either repeats the other byte for byte', async () => {
      const team = await makeTeam(service);
      for (const firstIsCancel of [true, false]) {
        const jobId = await makeJob(service, team);
        const ways = [cancel, (owner: TestTeam, id: string) => complete(owner, id, 'cancelled')] as const;
        const [first, second] = firstIsCancel ? ways : [ways[1], ways[0]];
        const original = await first(team, jobId).expect(200);
        expect(original.headers).not.toHaveProperty('idempotent-replayed');
        for (const way of [second, first]) {
          const repeated = await way(team, jobId).expect(200);
          expect(repeated.text).toBe(original.text);
          expect(repeated.headers['idempotent-replayed']).toBe('true');
        }
      }
      await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
    });

    it.each(['completed', 'failed'])('is refused for a job that ended as %s', async (status) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await completeJob(service, team, jobId, status);
      const refused = await cancel(team, jobId).expect(409);
      expect(refused.body.code).toBe('job_not_open');
      expect(refused.headers['x-should-retry']).toBe('false');
      expect((await read(team, jobId)).status).toBe(status);
    });

    it('ends a job for calls and completions', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await cancel(team, jobId).expect(200);
      const before = service.sandbox.servedCount();
      expect((await callIn(team, jobId).expect(409)).body.code).toBe('job_not_open');
      expect((await complete(team, jobId, 'completed').expect(409)).body.code).toBe('job_not_open');
      expect(service.sandbox.servedCount()).toBe(before);
    });

    it('wins or loses as a whole against completions at the same time', async () => {
      const team = await makeTeam(service, { credits: 20 });
      let charged = 0;
      for (let round = 0; round < 10; round += 1) {
        const jobId = await makeJob(service, team);
        const answers = await Promise.all([
          cancel(team, jobId),
          complete(team, jobId, 'completed'),
          cancel(team, jobId),
          complete(team, jobId, 'completed'),
        ]);
        const statuses = answers.map((answer) => answer.status);
        const { status } = await read(team, jobId);
        expect(statuses).toEqual(status === 'cancelled' ? [200, 409, 200, 409] : [409, 200, 409, 200]);
        if (status === 'completed') charged += 1;
      }
      await expectBalance(service, team, { allocated: 20, used: charged, held: 0 });
    });

    it('lets a running call end, records it, and charges nothing', async () => {
      const team = await makeTeam(service, { credits: 5, groups: [['fault-delay-1500']] });
      const jobId = await makeJob(service, team);
      const late = callIn(team, jobId).then((answer) => answer);
      await waitForRunningCall(jobId);
      await cancel(team, jobId).expect(200);
      expect((await late).status).toBe(200);
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs).toMatchObject({ total_calls: 1, successful_calls: 1, running_calls: 0 });
      await expectBalance(service, team, { allocated: 5, used: 0, held: 0 });
    });

    it('goes on for a suspended team', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const jobId = await makeJob(service, team);
      await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
      await cancel(team, jobId).expect(200);
      await expectBalance(service, team, { allocated: 5, used: 0, held: 0 });
    });

    it.each([
      ['status', { status: 'cancelled' }],
      ['metadata', { metadata: [] }],
      ['error_message', { error_message: 7 }],
    ])('refuses a bad %s and leaves the job open', async (field, body) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      expect((await cancel(team, jobId, body).expect(422)).body.errors[0].field).toBe(field);
      expect((await read(team, jobId)).status).toBe('pending');
    });
  });

  describe('changing metadata', () => {
    it('merges key by key at the top level, and answers with all of it', async () => {
      const team = await makeTeam(service);
      const created = await service
        .call('post', '/api/jobs/create', {
          key: team.key,
          body: { job_type: 'demo', metadata: { kept: 'yes', nested: { a: 1, b: 2 }, list: [1, 2] } },
        })
        .expect(200);
      const jobId = created.body.job_id as string;
      const expected = { kept: 'yes', nested: { b: 3 }, list: [], added: null };
      const answer = await patch(team, jobId, { nested: { b: 3 }, list: [], added: null }).expect(200);
      expect(answer.body).toEqual({
        job_id: jobId,
        metadata: expected,
        updated_at: expect.any(String),
      });
      expect(await read(team, jobId)).toMatchObject({
        status: 'pending',
        metadata: expected,
        updated_at: answer.body.updated_at,
      });
      expect((await patch(team, jobId, {}).expect(200)).body.metadata).toEqual(expected);
    });

    it('of a job that has ended is allowed, and its completion is still repeated byte for byte', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const completed = await complete(team, jobId, 'completed').expect(200);
      const before = await read(team, jobId);
      await patch(team, jobId, { invoice: 'inv_4711' }).expect(200);
      const repeated = await complete(team, jobId, 'completed').expect(200);
      expect(repeated.text).toBe(completed.text);
      expect(repeated.headers['idempotent-replayed']).toBe('true');
      const after = await read(team, jobId);
      expect(after).toEqual({
        ...before,
        metadata: { invoice: 'inv_4711' },
        updated_at: after['updated_at'],
      });
      await expectBalance(service, team, { allocated: 5, used: 1, held: 0 });
    });

    it('loses nothing when twenty requests bring a key each at the same time', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const keys = Array.from({ length: 20 }, (_, index) => `key-${String(index)}`);
      await Promise.all(keys.map((key) => patch(team, jobId, { [key]: true }).expect(200)));
      expect((await read(team, jobId))['metadata']).toEqual(
        Object.fromEntries(keys.map((key) => [key, true])),
      );
    });

    it('is refused over 16 KiB, alone or merged, and changes nothing then', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      // {"a":"…"} takes eight characters beside its text: exactly 16,384 bytes, and one more.
      await patch(team, jobId, { a: 'x'.repeat(16 * 1024 - 8 + 1) }).expect(422);
      const full = { a: 'x'.repeat(16 * 1024 - 8) };
      await patch(team, jobId, full).expect(200);
      const before = await read(team, jobId);
      const refused = await patch(team, jobId, { b: 1 }).expect(422);
      expect(refused.body.errors).toMatchObject([{ field: 'metadata', code: 'too_large' }]);
      expect(await read(team, jobId)).toEqual(before);
      await patch(team, jobId, { a: 'small', b: 1 }).expect(200);
    });

    it.each<[string, object]>([
      ['nothing', {}],
      ['null', { metadata: null }],
      ['a list', { metadata: [1] }],
      ['a text', { metadata: 'text' }],
      ['an unknown field beside it', { metadata: {}, status: 'completed' }],
    ])('refuses %s', async (_, body) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await onJob('patch', team, jobId, '/metadata', body).expect(422);
      expect(await read(team, jobId)).toMatchObject({ status: 'pending', metadata: {} });
    });

    it('goes on for a suspended team, and is open to the admin', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
      await patch(team, jobId, { by: 'team' }).expect(200);
      const byAdmin = await service
        .call('patch', `/api/jobs/${jobId}/metadata`, { body: { metadata: { also: 'admin' } } })
        .expect(200);
      expect(byAdmin.body.metadata).toEqual({ by: 'team', also: 'admin' });
    });
  });

  describe('reading with expand=calls', () => {
    it('lists the calls oldest first, failed ones too, each with its own notes', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['fault-status-500']] });
      const [working, failing] = team.groups;
      const jobId = await makeJob(service, team);
      const first = await callIn(team, jobId, { purpose: 'draft', call_metadata: { page: 1 } }).expect(200);
      await callIn(team, jobId, { model_group: failing }).expect(502);
      const third = await callIn(team, jobId, { call_metadata: null }).expect(200);
      const job = await service
        .call('get', `/api/jobs/${jobId}`, { key: team.key, query: { expand: 'calls' } })
        .expect(200);
      expect(job.body).toMatchObject({ job_id: jobId, has_more: false, next_cursor: null });
      expect(job.body.calls).toMatchObject([
        {
          call_id: first.body.call_id,
          status: 'succeeded',
          failure: null,
          model_group: working,
          purpose: 'draft',
          call_metadata: { page: 1 },
          prompt_tokens: first.body.metadata.prompt_tokens,
          completion_tokens: first.body.metadata.completion_tokens,
          tokens_used: first.body.metadata.tokens_used,
        },
        { status: 'failed', failure: 'upstream_failed', model_group: failing, purpose: null, tokens_used: 0 },
        { call_id: third.body.call_id, status: 'succeeded', call_metadata: {}, purpose: null },
      ]);
      expect(await read(team, jobId)).not.toHaveProperty('calls');
    });

    it('shows a call that still runs', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-1500']] });
      const jobId = await makeJob(service, team);
      const running = callIn(team, jobId).then((answer) => answer);
      await waitForRunningCall(jobId);
      const job = await read(team, jobId, '?expand=calls');
      expect(job['calls']).toMatchObject([
        { status: 'in_flight', failure: null, latency_ms: null, ended_at: null },
      ]);
      expect((await running).status).toBe(200);
    });

    it('goes through all calls in pages', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const made: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        made.push((await callIn(team, jobId).expect(200)).body.call_id as string);
      }
      const page = async (query: Record<string, string>) =>
        (
          await service
            .call('get', `/api/jobs/${jobId}`, { key: team.key, query: { expand: 'calls', ...query } })
            .expect(200)
        ).body as { calls: { call_id: string }[]; has_more: boolean; next_cursor: string | null };
      const first = await page({ limit: '2' });
      const second = await page({ limit: '2', cursor: first.next_cursor! });
      await callIn(team, jobId).expect(200);
      const third = await page({ limit: '2', cursor: second.next_cursor! });
      const seen = [first, second, third].flatMap(({ calls }) => calls.map((call) => call.call_id));
      expect(seen.slice(0, 5)).toEqual(made);
      expect(new Set(seen).size).toBe(6);
      expect(third).toMatchObject({ has_more: false, next_cursor: null });
    });

    it.each([
      [{ limit: '5' }, 'limit'],
      [{ cursor: 'AAAA' }, 'cursor'],
      [{ expand: 'costs' }, 'expand'],
      [{ expand: 'calls', limit: '0' }, 'limit'],
      [{ expand: 'calls', limit: '101' }, 'limit'],
      [{ expand: 'calls', cursor: 'garbage' }, 'cursor'],
    ])('refuses the query %j, naming the field', async (query, field) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const answer = await service
        .call('get', `/api/jobs/${jobId}`, {
          key: team.key,
          query: query as unknown as Record<string, string>,
        })
        .expect(422);
      expect(answer.body.errors[0].field).toBe(field);
    });
  });

  it('tell a team nothing of models, costs and hosts in any byte', async () => {
    const models = ['fault-status-503', 'claude-3-5-sonnet'];
    const team = await makeTeam(service, { groups: [models], costVisibility: 'none' });
    const jobId = await makeJob(service, team);
    const answers = [
      await callIn(team, jobId, { model: team.groups[0] }).expect(200),
      await onJob('get', team, jobId, '?expand=calls').expect(200),
      await patch(team, jobId, { a: 1 }).expect(200),
      await cancel(team, jobId).expect(200),
      await onJob('get', team, jobId, '').expect(200),
      await service.call('get', `/api/teams/${team.teamId}/jobs`, { key: team.key }).expect(200),
      await service.call('get', `/api/credits/teams/${team.teamId}/transactions`, { key: team.key }),
    ];
    expect(service.sandbox.served.slice(-2).map((request) => request.model)).toEqual(models);
    const secrets = [...models, 'fault', 'claude', 'sonnet', new URL(service.sandbox.baseUrl).host];
    for (const answer of answers) {
      // What the model wrote may hold any word; all else may not.
      const { response: _, ...body } = answer.body as Record<string, unknown>;
      const text = `${JSON.stringify(body)} ${JSON.stringify(answer.headers)}`.toLowerCase();
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
      expect(JSON.stringify(body)).not.toMatch(/cost_|_usd|priced|upstream/);
    }
  });

  describe('the model of a call', () => {
    it('is another name of its group', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4-turbo']] });
      const jobId = await makeJob(service, team);
      for (const body of [
        { model: team.groups[1] },
        { model: team.groups[1], model_group: null },
        { model: team.groups[1], model_group: team.groups[1] },
      ]) {
        const answer = await callIn(team, jobId, body).expect(200);
        expect(answer.body.metadata.model_group).toBe(team.groups[1]);
        expect(service.sandbox.served.at(-1)?.model).toBe('gpt-4-turbo');
      }
      const byDefault = await callIn(team, jobId, { model: null }).expect(200);
      expect(byDefault.body.metadata.model_group).toBe(team.groups[0]);
    });

    it('may not differ from the group that is named beside it', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4-turbo']] });
      const jobId = await makeJob(service, team);
      const before = service.sandbox.servedCount();
      const refused = await callIn(team, jobId, {
        model: team.groups[0],
        model_group: team.groups[1],
      }).expect(422);
      expect(refused.body.errors[0].field).toBe('model');
      expect(service.sandbox.servedCount()).toBe(before);
      expect((await read(team, jobId, '?expand=calls'))['calls']).toEqual([]);
    });

    it('cannot be a real model, even one of the group', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini']] });
      const jobId = await makeJob(service, team);
      const own = await callIn(team, jobId, { model: 'gpt-4o-mini' }).expect(403);
      const other = await callIn(team, jobId, { model: 'gpt-5-unheard-of' }).expect(403);
      expect([own.body.code, other.body.code]).toEqual(['model_group_forbidden', 'model_group_forbidden']);
    });
  });

  describe('the metadata of a call', () => {
    it('stays with us: the upstream does not see it, the admin does beside the costs', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const notes = { secret_note: 'for-our-eyes-only', page: { from: 1, to: 2 } };
      await callIn(team, jobId, { call_metadata: notes }).expect(200);
      const sent = service.sandbox.served.at(-1);
      expect(JSON.stringify([sent?.body, sent?.headers])).not.toContain('for-our-eyes-only');
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs.breakdown[0].call_metadata).toEqual(notes);
    });

    it('is kept of a call that fails, too', async () => {
      const team = await makeTeam(service, { groups: [['fault-status-500']] });
      const jobId = await makeJob(service, team);
      await callIn(team, jobId, { call_metadata: { attempt: 'a' } }).expect(502);
      expect((await read(team, jobId, '?expand=calls'))['calls']).toMatchObject([
        { status: 'failed', call_metadata: { attempt: 'a' } },
      ]);
    });

    it.each<[string, unknown]>([
      ['a list', [1]],
      ['a text', 'note'],
      ['more than 16 KiB', { a: 'x'.repeat(16 * 1024) }],
    ])('is refused as %s before anything is sent', async (_, metadata) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const before = service.sandbox.servedCount();
      const refused = await callIn(team, jobId, { call_metadata: metadata }).expect(422);
      expect(refused.body.errors[0].field).toBe('call_metadata');
      expect(service.sandbox.servedCount()).toBe(before);
    });
  });

  describe('the list of all jobs', () => {
    const list = async (query: Record<string, string>) =>
      ((await service.call('get', '/api/jobs', { query }).expect(200)).body.data as { job_id: string }[]).map(
        (job) => job.job_id,
      );

    it('goes across teams, newest first, and is filtered as that of a team', async () => {
      const [one, two] = [await makeTeam(service), await makeTeam(service)];
      const jobType = uniqueName('type');
      const first = await makeJob(service, one, jobType);
      const second = await makeJob(service, two, jobType);
      const third = await makeJob(service, one, jobType);
      await makeJob(service, two);
      await completeJob(service, two, second);
      const ofUser = await service
        .call('post', '/api/jobs/create', {
          key: two.key,
          body: { job_type: jobType, user_id: 'john@acme.com' },
        })
        .expect(200);
      const fourth = ofUser.body.job_id as string;
      expect(await list({ job_type: jobType })).toEqual([fourth, third, second, first]);
      expect(await list({ job_type: jobType, team_id: one.teamId })).toEqual([third, first]);
      expect(await list({ job_type: jobType, team_id: two.teamId })).toEqual([fourth, second]);
      expect(await list({ job_type: jobType, status: 'Completed' })).toEqual([second]);
      expect(await list({ job_type: jobType, user_id: 'john@acme.com' })).toEqual([fourth]);
      expect(await list({ job_type: jobType, created_before: '2001-01-01' })).toEqual([]);
      expect(await list({ job_type: jobType, created_after: '2001-01-01', limit: '1' })).toEqual([fourth]);
    });

    it('includes a time at its beginning and leaves out one at its end', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const createdAt = (await read(team, jobId))['created_at'] as string;
      const teamId = team.teamId;
      expect(await list({ team_id: teamId, created_after: createdAt })).toEqual([jobId]);
      expect(await list({ team_id: teamId, created_before: createdAt })).toEqual([]);
    });

    it('is for the admin, and knows no team that does not exist', async () => {
      const team = await makeTeam(service);
      await service.call('get', '/api/jobs', { key: team.key }).expect(403);
      await service.call('get', '/api/jobs', { key: null }).expect(401);
      const query = { team_id: uniqueName('nobody') };
      expect((await service.call('get', '/api/jobs', { query }).expect(404)).body.code).toBe(
        'team_not_found',
      );
    });

    it('still has the jobs of a deleted team', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await cancel(team, jobId).expect(200);
      await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
      expect(await list({ team_id: team.teamId })).toEqual([jobId]);
      await service.call('get', `/api/jobs/${jobId}`).expect(200);
    });
  });
});
