import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query } from '../support/database.js';
import {
  completeJob,
  expectBalance,
  makeCall,
  makeGroup,
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

describe('organizations', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const pathOf = (organizationId: string, rest = '') => `/api/organizations/${organizationId}${rest}`;
  const create = (body: object) => service.call('post', '/api/organizations/create', { body });
  const suspend = (organizationId: string) => service.call('put', pathOf(organizationId, '/suspend'));
  const resume = (organizationId: string) => service.call('put', pathOf(organizationId, '/resume'));
  const tryJob = (team: TestTeam, on = service) =>
    on.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } });
  const tryCall = (team: TestTeam, jobId: string, on = service) =>
    on.call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } });
  const costsOf = async (jobId: string) =>
    (await service.call('get', `/api/jobs/${jobId}/costs`).expect(200)).body.costs as Record<string, unknown>;

  /** A further team in the organization of another one. */
  async function makeSibling(
    team: TestTeam,
    { groups = team.groups, credits = 100 }: { groups?: readonly string[]; credits?: number } = {},
  ): Promise<TestTeam> {
    const teamId = uniqueName('team');
    const body = {
      organization_id: team.organizationId,
      team_id: teamId,
      model_groups: groups,
      credits_allocated: credits,
    };
    const created = await service.call('post', '/api/teams/create', { body }).expect(200);
    return { ...team, teamId, key: created.body.virtual_key as string, groups };
  }

  it.each<[Method, string, object | undefined]>([
    ['get', '', undefined],
    ['put', '', { name: 'New' }],
    ['put', '/suspend', undefined],
    ['put', '/resume', undefined],
    ['get', '/teams', undefined],
    ['get', '/usage', undefined],
  ])(
    'that do not exist are not found, and those that do are for the admin: %s %s',
    async (method, rest, body) => {
      const missing = await service.call(method, pathOf('nobody', rest), { body }).expect(404);
      expect(missing.body.code).toBe('organization_not_found');
      const team = await makeTeam(service);
      const own = await service
        .call(method, pathOf(team.organizationId, rest), { key: team.key, body })
        .expect(403);
      const none = await service.call(method, pathOf('nobody', rest), { key: team.key, body }).expect(403);
      expect(own.body.code).toBe('admin_key_required');
      expect({ ...none.body, request_id: '' }).toEqual({ ...own.body, request_id: '' });
      const untouched = await service.call('get', pathOf(team.organizationId)).expect(200);
      expect(untouched.body).toMatchObject({ name: 'Org', status: 'active' });
    },
  );

  it('are listed for the admin as each of them is shown', async () => {
    const { organizationId, key } = await makeTeam(service);
    await suspend(organizationId).expect(200);
    const shown = await service.call('get', pathOf(organizationId)).expect(200);
    const listed = await service.call('get', '/api/organizations', { query: { limit: '1' } }).expect(200);
    expect(listed.body.data).toEqual([shown.body]);
    await service.call('get', '/api/organizations', { key }).expect(403);
  });

  describe('a change', () => {
    it('replaces what it names and leaves the rest', async () => {
      const id = uniqueName('org');
      const before = await create({
        organization_id: id,
        name: 'Old',
        metadata: { tier: 'gold', region: 'eu' },
      }).expect(200);
      const put = async (body: object) =>
        (await service.call('put', pathOf(id), { body }).expect(200)).body as Record<string, unknown>;
      const fixed = { organization_id: id, status: 'active', created_at: before.body.created_at };
      expect(await put({ name: 'New' })).toMatchObject({
        ...fixed,
        name: 'New',
        metadata: { tier: 'gold', region: 'eu' },
      });
      expect(await put({ metadata: { tier: 'silver' } })).toMatchObject({ ...fixed, name: 'New' });
      // As a whole: the region is not there any more.
      const { metadata } = (await service.call('get', pathOf(id)).expect(200)).body as { metadata: object };
      expect(metadata).toEqual({ tier: 'silver' });
      expect(await put({ name: null, metadata: null })).toMatchObject({ name: 'New', metadata });
      expect(await put({})).toMatchObject({ ...fixed, name: 'New', metadata });
      expect((await put({ metadata: {} }))['metadata']).toEqual({});
    });

    it('does not end a suspension', async () => {
      const { organizationId } = await makeTeam(service);
      await suspend(organizationId).expect(200);
      const changed = await service
        .call('put', pathOf(organizationId), { body: { name: 'New' } })
        .expect(200);
      expect(changed.body).toMatchObject({ name: 'New', status: 'suspended' });
    });

    it.each<[string, object]>([
      ['status', { status: 'suspended' }],
      ['organization_id', { organization_id: 'other' }],
      ['name', { name: '' }],
      ['name', { name: 'x'.repeat(257) }],
      ['metadata', { metadata: [] }],
      ['metadata', { metadata: { a: 'x'.repeat(16 * 1024) } }],
    ])('of %s like this is refused and changes nothing', async (field, body) => {
      const { organizationId } = await makeTeam(service);
      const before = await service.call('get', pathOf(organizationId)).expect(200);
      const refused = await service.call('put', pathOf(organizationId), { body }).expect(422);
      expect(refused.body.errors[0].field).toBe(field);
      const after = await service.call('get', pathOf(organizationId)).expect(200);
      expect(after.text).toBe(before.text);
    });
  });

  describe('a default team', () => {
    it('is made only when it is asked for', async () => {
      for (const wish of [{}, { create_default_team: false }, { create_default_team: null }]) {
        const id = uniqueName('org');
        const created = await create({ organization_id: id, name: 'Org', ...wish }).expect(200);
        expect(created.body).toMatchObject({ organization_id: id, status: 'active', default_team: null });
        await service.call('get', `/api/teams/${id}_default`).expect(404);
      }
    });

    it('can work at once with the key that is shown', async () => {
      const id = uniqueName('org');
      const group = await makeGroup(service, ['gpt-4o-mini']);
      const created = await create({
        organization_id: id,
        name: 'Org',
        create_default_team: true,
        default_team_name: 'First team',
        default_team_model_groups: [group],
        default_team_credits: 3,
      }).expect(200);
      const teamId = `${id}_default`;
      expect(created.body.default_team).toEqual({
        team_id: teamId,
        team_alias: 'First team',
        virtual_key: expect.stringMatching(/^sk-/),
        model_groups: [group],
        credits_allocated: 3,
      });
      const key = created.body.default_team.virtual_key as string;
      const team: TestTeam = { organizationId: id, teamId, key, groups: [group] };
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      await completeJob(service, team, jobId);
      await expectBalance(service, team, { allocated: 3, used: 1, held: 0 });
      const shown = await service.call('get', `/api/teams/${teamId}`, { key }).expect(200);
      expect(shown.body).toMatchObject({ organization_id: id, team_alias: 'First team', status: 'active' });
      expect(shown.text).not.toContain(key);
    });

    it('has no alias, groups and credits unless they are given', async () => {
      const id = uniqueName('org');
      const created = await create({ organization_id: id, name: 'Org', create_default_team: true }).expect(
        200,
      );
      expect(created.body.default_team).toMatchObject({
        team_alias: null,
        model_groups: [],
        credits_allocated: 0,
      });
      const key = created.body.default_team.virtual_key as string;
      const refused = await service
        .call('post', '/api/jobs/create', { key, body: { job_type: 'demo' } })
        .expect(402);
      expect(refused.body).toMatchObject({ credits_required: 1, credits_available: 0 });
    });

    it('that cannot be made leaves no organization behind', async () => {
      const unknownGroup = uniqueName('org');
      const first = await create({
        organization_id: unknownGroup,
        name: 'Org',
        create_default_team: true,
        default_team_model_groups: ['nothing'],
        default_team_credits: 5,
      }).expect(404);
      expect(first.body.code).toBe('model_group_not_found');
      await service.call('get', pathOf(unknownGroup)).expect(404);
      await service.call('get', `/api/teams/${unknownGroup}_default`).expect(404);

      const taken = uniqueName('org');
      const { organizationId: elsewhere } = await makeTeam(service);
      const body = { organization_id: elsewhere, team_id: `${taken}_default`, model_groups: [] };
      await service.call('post', '/api/teams/create', { body }).expect(200);
      const second = await create({ organization_id: taken, name: 'Org', create_default_team: true });
      expect([second.status, second.body.code]).toEqual([400, 'team_already_exists']);
      expect(second.body.detail).toContain('already exists');
      await service.call('get', pathOf(taken)).expect(404);
      const owner = await service.call('get', `/api/teams/${taken}_default`).expect(200);
      expect(owner.body.organization_id).toBe(elsewhere);
    });

    it('is made once when ten requests ask for it at the same time', async () => {
      const id = uniqueName('org');
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          create({
            organization_id: id,
            name: 'Org',
            create_default_team: true,
            default_team_credits: 4,
          }),
        ),
      );
      const statuses = answers.map((answer) => answer.status).sort((first, second) => first - second);
      expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
      for (const refused of answers.filter((answer) => answer.status === 400)) {
        expect(refused.body.code).toBe('organization_already_exists');
      }
      const teams = await service.call('get', pathOf(id, '/teams')).expect(200);
      expect(teams.body).toMatchObject({ team_count: 1, teams: [{ credits_allocated: 4 }] });
    });

    it.each<[string, object]>([
      ['default_team_name', { default_team_name: 'A' }],
      ['default_team_model_groups', { default_team_model_groups: [] }],
      ['default_team_credits', { create_default_team: false, default_team_credits: 0 }],
      ['create_default_team', { create_default_team: 'true' }],
      ['default_team_credits', { create_default_team: true, default_team_credits: -1 }],
      ['default_team_credits', { create_default_team: true, default_team_credits: 1.5 }],
      ['default_team_model_groups', { create_default_team: true, default_team_model_groups: ['a', 'a'] }],
      ['default_team_name', { create_default_team: true, default_team_name: '' }],
    ])('asked for with a wrong %s is refused, and nothing is made', async (field, wish) => {
      const id = uniqueName('org');
      const refused = await create({ organization_id: id, name: 'Org', ...wish }).expect(422);
      expect(refused.body.errors[0].field).toBe(field);
      await service.call('get', pathOf(id)).expect(404);
    });

    it('needs room for the end of its name', async () => {
      // An id has 128 characters at most, and "_default" takes 8 of them.
      const fitting = uniqueName('org').padEnd(120, 'x');
      await create({ organization_id: fitting, name: 'Org', create_default_team: true }).expect(200);
      const tooLong = uniqueName('org').padEnd(121, 'x');
      const refused = await create({ organization_id: tooLong, name: 'Org', create_default_team: true });
      expect([refused.status, refused.body.errors[0].field]).toEqual([422, 'organization_id']);
      await create({ organization_id: tooLong, name: 'Org' }).expect(200);
    });
  });

  describe('a suspension', () => {
    it('refuses new jobs and calls of every team from the next request on, and of no other organization', async () => {
      const team = await makeTeam(service);
      const sibling = await makeSibling(team);
      const stranger = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const siblingJobId = await makeJob(service, sibling);
      const suspended = await suspend(team.organizationId).expect(200);
      expect(suspended.body).toMatchObject({ organization_id: team.organizationId, status: 'suspended' });
      const before = service.sandbox.servedCount();
      const refusals = [
        await tryJob(team).expect(403),
        await tryJob(sibling).expect(403),
        await tryCall(team, jobId).expect(403),
        await tryCall(sibling, siblingJobId).expect(403),
        await service
          .call('post', '/api/jobs/create', { body: { team_id: team.teamId, job_type: 'demo' } })
          .expect(403),
        await service
          .call('post', `/api/jobs/${jobId}/llm-call`, { body: { messages: MESSAGES } })
          .expect(403),
      ];
      expect(refusals.map((answer) => answer.body.code as string)).toEqual(
        refusals.map(() => 'organization_suspended'),
      );
      // Nothing was asked of a model, and nothing set aside beyond the job that was open before.
      expect(service.sandbox.servedCount()).toBe(before);
      await expectBalance(service, team, { allocated: 100, used: 0, held: 1 });
      await makeCall(service, stranger, await makeJob(service, stranger));
      await resume(team.organizationId).expect(200);
      await tryJob(sibling).expect(200);
      await tryCall(team, jobId).expect(200);
    });

    it('holds on every replica at once, and ends there at once', async () => {
      const replica = await startTestService({ database: service.database });
      try {
        const team = await makeTeam(service);
        const jobId = await makeJob(service, team);
        await tryJob(team, replica).expect(200);
        await suspend(team.organizationId).expect(200);
        await tryJob(team, replica).expect(403);
        await tryCall(team, jobId, replica).expect(403);
        await resume(team.organizationId).expect(200);
        await tryJob(team, replica).expect(200);
      } finally {
        await replica.stop();
      }
    });

    it('leaves reading, completing, cancelling and noting as they are', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const jobs = [await makeJob(service, team), await makeJob(service, team), await makeJob(service, team)];
      const [completed = '', cancelled = '', kept = ''] = jobs;
      await makeCall(service, team, completed);
      await suspend(team.organizationId).expect(200);
      await completeJob(service, team, completed);
      const { key } = team;
      await service.call('post', `/api/jobs/${cancelled}/cancel`, { key }).expect(200);
      await service
        .call('patch', `/api/jobs/${kept}/metadata`, { key, body: { metadata: { seen: true } } })
        .expect(200);
      for (const path of [
        `/api/teams/${team.teamId}`,
        `/api/teams/${team.teamId}/jobs`,
        `/api/teams/${team.teamId}/usage`,
        `/api/credits/teams/${team.teamId}/transactions`,
        `/api/jobs/${kept}?expand=calls`,
        '/api/model-groups',
      ]) {
        await service.call('get', path, { key }).expect(200);
      }
      await expectBalance(service, team, { allocated: 5, used: 1, held: 1 });
    });

    it('lets a call that runs come to its end, on record', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-400']] });
      const jobId = await makeJob(service, team);
      const running = tryCall(team, jobId).then((answer) => answer);
      while ((await costsOf(jobId))['running_calls'] !== 1);
      await suspend(team.organizationId).expect(200);
      await tryCall(team, jobId).expect(403);
      expect((await running).status).toBe(200);
      expect(await costsOf(jobId)).toMatchObject({ total_calls: 1, successful_calls: 1, running_calls: 0 });
    });

    it('is apart from that of a team: ending one does not end the other', async () => {
      const team = await makeTeam(service);
      await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
      await suspend(team.organizationId).expect(200);
      await resume(team.organizationId).expect(200);
      expect((await tryJob(team).expect(403)).body.code).toBe('team_suspended');
      await suspend(team.organizationId).expect(200);
      await service.call('put', `/api/teams/${team.teamId}/resume`).expect(200);
      expect((await tryJob(team).expect(403)).body.code).toBe('organization_suspended');
      const shown = await service.call('get', `/api/teams/${team.teamId}`).expect(200);
      expect(shown.body.status).toBe('active');
    });

    it('may be asked for twice, and also holds for a team that is made in it', async () => {
      const team = await makeTeam(service);
      await suspend(team.organizationId).expect(200);
      await suspend(team.organizationId).expect(200);
      const late = await makeSibling(team);
      expect((await tryJob(late).expect(403)).body.code).toBe('organization_suspended');
      await resume(team.organizationId).expect(200);
      await resume(team.organizationId).expect(200);
      await tryJob(late).expect(200);
    });
  });

  describe('the teams of one', () => {
    it('are shown with their groups and credits, newest first, without deleted ones and others', async () => {
      const first = await makeTeam(service, { credits: 10, groups: [['gpt-4o-mini'], ['gpt-4o']] });
      await makeTeam(service);
      const second = await makeSibling(first, { groups: [first.groups[1]!], credits: 20 });
      const third = await makeSibling(first, { groups: [], credits: 0 });
      for (const [position, { teamId }] of [first, second, third].entries()) {
        await query(service.database.url, 'UPDATE teams SET created_at = $2 WHERE team_id = $1', [
          teamId,
          `2025-01-0${String(position + 1)}T00:00:00.000Z`,
        ]);
      }
      await completeJob(service, first, await makeJob(service, first));
      await makeJob(service, first);
      await service.call('put', `/api/teams/${second.teamId}/suspend`).expect(200);
      const listed = await service.call('get', pathOf(first.organizationId, '/teams')).expect(200);
      expect(listed.body).toEqual({
        organization_id: first.organizationId,
        team_count: 3,
        teams: [
          {
            team_id: third.teamId,
            status: 'active',
            model_groups: [],
            credits_allocated: 0,
            credits_remaining: 0,
          },
          {
            team_id: second.teamId,
            status: 'suspended',
            model_groups: [first.groups[1]],
            credits_allocated: 20,
            credits_remaining: 20,
          },
          {
            // One job was charged; what the open one holds still remains.
            team_id: first.teamId,
            status: 'active',
            model_groups: [...first.groups],
            credits_allocated: 10,
            credits_remaining: 9,
          },
        ],
        has_more: false,
        next_cursor: null,
      });
      await service.call('delete', `/api/teams/${third.teamId}`).expect(200);
      const page = await service
        .call('get', pathOf(first.organizationId, '/teams'), { query: { limit: '1' } })
        .expect(200);
      // The count is of all pages.
      expect(page.body).toMatchObject({ team_count: 2, teams: [{ team_id: second.teamId }], has_more: true });
    });

    it('are none in a new organization', async () => {
      const id = uniqueName('org');
      await create({ organization_id: id, name: 'Org' }).expect(200);
      const listed = await service.call('get', pathOf(id, '/teams')).expect(200);
      expect(listed.body).toMatchObject({ team_count: 0, teams: [], has_more: false });
    });
  });

  describe('the usage of one', () => {
    const usage = async (organizationId: string, period: string) =>
      (await service.call('get', pathOf(organizationId, '/usage'), { query: { period } }).expect(200))
        .body as Record<string, unknown>;

    /** A job with one call that ended at the given instant. Returns the tokens that its caller was told. */
    async function makeEndedJob(team: TestTeam, status: string, endedAt: string): Promise<number> {
      const jobId = await makeJob(service, team);
      const call = await tryCall(team, jobId).expect(200);
      await completeJob(service, team, jobId, status);
      await query(service.database.url, 'UPDATE jobs SET completed_at = $2 WHERE job_id = $1', [
        jobId,
        endedAt,
      ]);
      return call.body.metadata.tokens_used as number;
    }

    it('sums up the jobs of its teams that ended in the month, and of nobody else', async () => {
      const first = await makeTeam(service, { groups: [['fault-cost-0.1'], ['fault-cost-0.25']] });
      const second = await makeSibling(first, { groups: [first.groups[1]!] });
      await makeSibling(first);
      const stranger = await makeTeam(service, { groups: [['fault-cost-7']] });
      const tokens = [
        await makeEndedJob(first, 'completed', '2024-10-01T00:00:00.000Z'),
        await makeEndedJob(first, 'failed', '2024-10-15T12:00:00.000Z'),
        await makeEndedJob(first, 'cancelled', '2024-10-31T23:59:59.999Z'),
        await makeEndedJob(second, 'completed', '2024-10-02T00:00:00.000Z'),
        await makeEndedJob(second, 'completed', '2024-10-03T00:00:00.000Z'),
      ];
      await makeEndedJob(first, 'completed', '2024-09-30T23:59:59.999Z');
      await makeEndedJob(second, 'completed', '2024-11-01T00:00:00.000Z');
      await makeEndedJob(stranger, 'completed', '2024-10-15T12:00:00.000Z');
      await makeCall(service, first, await makeJob(service, first));

      const october = await usage(first.organizationId, '2024-10');
      // Three jobs at 0.1 and two at 0.25; the failed and the cancelled one are not charged.
      expect(october).toEqual({
        organization_id: first.organizationId,
        period: '2024-10',
        summary: {
          total_jobs: 5,
          completed_jobs: 3,
          failed_jobs: 1,
          cancelled_jobs: 1,
          credits_used: 3,
          total_cost_usd: 0.8,
          total_tokens: tokens.reduce((sum, count) => sum + count, 0),
          unpriced_calls: 0,
        },
        teams: {
          [first.teamId]: { jobs: 3, credits_used: 1 },
          [second.teamId]: { jobs: 2, credits_used: 2 },
        },
      });
      expect(await usage(first.organizationId, '2024-11')).toMatchObject({
        summary: { total_jobs: 1, credits_used: 1, total_cost_usd: 0.25 },
        teams: { [second.teamId]: { jobs: 1, credits_used: 1 } },
      });
      const days = await service
        .call('get', pathOf(first.organizationId, '/usage'), {
          query: { start_date: '2024-09-30', end_date: '2024-10-01' },
        })
        .expect(200);
      expect(days.body).toMatchObject({ summary: { total_jobs: 2, total_cost_usd: 0.2 } });

      // What a team did stays in the books when the team is gone, or its organization is suspended.
      await service.call('delete', `/api/teams/${second.teamId}`).expect(200);
      await suspend(first.organizationId).expect(200);
      expect(await usage(first.organizationId, '2024-10')).toEqual(october);
    });

    it('counts a job whose calls all failed as it was ended, and without a charge', async () => {
      const team = await makeTeam(service, { groups: [['fault-status-500']] });
      const jobId = await makeJob(service, team);
      await tryCall(team, jobId).expect(502);
      await completeJob(service, team, jobId);
      await query(service.database.url, 'UPDATE jobs SET completed_at = $2 WHERE job_id = $1', [
        jobId,
        '2024-10-15T12:00:00.000Z',
      ]);
      const answer = await usage(team.organizationId, '2024-10');
      expect(answer).toMatchObject({
        summary: { total_jobs: 1, completed_jobs: 1, failed_jobs: 0, credits_used: 0 },
        teams: { [team.teamId]: { jobs: 1, credits_used: 0 } },
      });
      await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
    });

    it('is zeros without jobs, and of the current month when none is named', async () => {
      const team = await makeTeam(service);
      const zeros = {
        total_jobs: 0,
        completed_jobs: 0,
        failed_jobs: 0,
        cancelled_jobs: 0,
        credits_used: 0,
        total_cost_usd: 0,
        total_tokens: 0,
        unpriced_calls: 0,
      };
      expect(await usage(team.organizationId, '2024-10')).toMatchObject({ summary: zeros, teams: {} });
      const current = await service.call('get', pathOf(team.organizationId, '/usage')).expect(200);
      expect(current.body.period).toBe(new Date().toISOString().slice(0, 7));
    });

    it.each(['2024-13', '2024-1', 'october', ''])('is refused for the month "%s"', async (period) => {
      const { organizationId } = await makeTeam(service);
      const refused = await service
        .call('get', pathOf(organizationId, '/usage'), { query: { period } })
        .expect(422);
      expect(refused.body.errors[0].field).toBe('period');
    });
  });
});

describe('changes of one organization at once', () => {
  it('are each answered with what they have made of it', async () => {
    const service = await startTestService();
    const { organizationId } = await makeTeam(service);
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const [verb, status] = index % 2 === 0 ? ['suspend', 'suspended'] : ['resume', 'active'];
        const answer = await service.call('put', `/api/organizations/${organizationId}/${verb}`).expect(200);
        return [answer.body.status as string, status];
      }),
    );
    await service.stop();

    expect(answers.filter(([answered, asked]) => answered !== asked)).toEqual([]);
  });
});

describe('the dashboard', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  const dashboard = async () =>
    (await service.call('get', '/api/stats/dashboard').expect(200)).body as Record<string, number>;

  it('counts what there is, from nothing on', async () => {
    expect(await dashboard()).toEqual({
      organizations: 0,
      teams: 0,
      modelGroups: 0,
      totalCredits: 0,
      creditsRemaining: 0,
      creditsUsed: 0,
    });
    const busy = await makeTeam(service, { credits: 10, groups: [['gpt-4o'], ['gpt-4o-mini']] });
    const idle = await makeTeam(service, { credits: 20 });
    const gone = await makeTeam(service, { credits: 5 });
    await service.call('post', `/api/credits/teams/${idle.teamId}/add`, { body: { credits: 7 } }).expect(200);
    await completeJob(service, busy, await makeJob(service, busy));
    await completeJob(service, busy, await makeJob(service, busy));
    await completeJob(service, busy, await makeJob(service, busy), 'failed');
    await makeJob(service, busy);
    await completeJob(service, gone, await makeJob(service, gone));
    // Granted 10 + 20 + 5 + 7; three jobs charged; the open one is still to be decided.
    const expected = {
      organizations: 3,
      teams: 3,
      modelGroups: 4,
      totalCredits: 42,
      creditsRemaining: 39,
      creditsUsed: 3,
    };
    expect(await dashboard()).toEqual(expected);
    // A suspension changes no figure; a deleted team is no team any more, and its ledger stays.
    await service.call('put', `/api/organizations/${idle.organizationId}/suspend`).expect(200);
    await service.call('put', `/api/teams/${idle.teamId}/suspend`).expect(200);
    expect(await dashboard()).toEqual(expected);
    await service.call('delete', `/api/teams/${gone.teamId}`).expect(200);
    expect(await dashboard()).toEqual({ ...expected, teams: 2 });
    await service.call('delete', `/api/model-groups/${gone.groups[0]!}`).expect(200);
    expect(await dashboard()).toEqual({ ...expected, teams: 2, modelGroups: 3 });
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('has sums that no single team could have', async () => {
    await makeTeam(service, { credits: 27 });
    const rich = await makeTeam(service);
    await query(
      service.database.url,
      `UPDATE credit_accounts SET issued = -9007199254740991, available = 9007199254740991 WHERE team_id = $1`,
      [rich.teamId],
    );
    expect((await dashboard())['totalCredits']).toBeGreaterThanOrEqual(9_007_199_254_740_991);
    await query(
      service.database.url,
      `UPDATE credit_accounts SET issued = 0, available = 0 WHERE team_id = $1`,
      [rich.teamId],
    );
  });

  it('is for the admin', async () => {
    const team = await makeTeam(service);
    const refused = await service.call('get', '/api/stats/dashboard', { key: team.key }).expect(403);
    expect(refused.body.code).toBe('admin_key_required');
    await service.call('get', '/api/stats/dashboard', { key: null }).expect(401);
  });
});
