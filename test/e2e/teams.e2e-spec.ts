import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
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

describe('teams', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const onTeam = (method: Method, team: TestTeam, path = '', body?: unknown) =>
    service.call(method, `/api/teams/${team.teamId}${path}`, { body });
  const get = async (team: TestTeam) =>
    (await onTeam('get', team).expect(200)).body as Record<string, unknown>;
  const setGroups = (team: TestTeam, groups: readonly string[]) =>
    onTeam('put', team, '/model-groups', groups);
  const remove = (team: TestTeam) => onTeam('delete', team);
  const createJob = (team: TestTeam) =>
    service.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } });
  const callIn = (team: TestTeam, jobId: string, body: object = {}) =>
    service.call('post', `/api/jobs/${jobId}/llm-call`, {
      key: team.key,
      body: { messages: MESSAGES, ...body },
    });

  async function countOpenJobs(team: TestTeam): Promise<number> {
    const rows = await query<{ open: number }>(
      service.database.url,
      'SELECT count(*)::int AS open FROM jobs WHERE team_id = $1 AND completed_at IS NULL',
      [team.teamId],
    );
    return rows[0]!.open;
  }

  async function untilServed(count: number): Promise<void> {
    while (service.sandbox.servedCount() < count) await new Promise((done) => setTimeout(done, 5));
  }

  /** Does something while the rows that a statement locks stay locked. */
  async function whileLocked(sql: string, team: TestTeam, work: () => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: service.database.url });
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(sql, [team.teamId]);
      await work();
      await client.query('COMMIT');
    } finally {
      await client.end();
    }
  }

  /** Until so many transactions wait for a lock. */
  async function untilWaiting(count: number): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      const rows = await query<{ waiting: number }>(
        service.database.url,
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows[0]!.waiting === count) return;
    }
    throw new Error('Nobody waits for a lock.');
  }

  describe('when they are changed', () => {
    it('keep what is left out or null, and replace metadata as a whole', async () => {
      const team = await makeTeam(service, { credits: 9 });
      const before = await get(team);
      const change = (body: object) => onTeam('put', team, '', body).expect(200);
      const named = await change({ team_alias: 'Night shift', metadata: { a: 1, b: 2 } });
      expect(named.body).toEqual({
        ...before,
        team_alias: 'Night shift',
        metadata: { a: 1, b: 2 },
        updated_at: expect.any(String),
      });
      const hidden = await change({ team_alias: null, cost_visibility: 'none', metadata: { c: 3 } });
      expect(hidden.body).toEqual({
        ...named.body,
        cost_visibility: 'none',
        metadata: { c: 3 },
        updated_at: expect.any(String),
      });
      const untouched = await change({});
      expect(untouched.body).toEqual({ ...hidden.body, updated_at: expect.any(String) });
      expect(await get(team)).toEqual(untouched.body);
      const own = await service.call('get', `/api/teams/${team.teamId}`, { key: team.key }).expect(200);
      // From its credits and the rate, a team could work out the costs that are hidden from it.
      const { credits_per_dollar, ...visible } = untouched.body as Record<string, unknown>;
      expect(credits_per_dollar).toBe(10);
      expect(own.body).toEqual(visible);
    });

    it.each(['status', 'team_id', 'organization_id', 'credits_allocated', 'model_groups', 'virtual_key'])(
      'take no %s',
      async (field) => {
        const team = await makeTeam(service);
        const before = await get(team);
        const refused = await onTeam('put', team, '', { [field]: 'x' }).expect(422);
        expect(refused.body.errors[0].field).toBe(field);
        expect(await get(team)).toEqual(before);
      },
    );

    it('hide and show costs from the next request on', async () => {
      const team = await makeTeam(service, { groups: [['fault-cost-0.1']] });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const usage = async () =>
        (await service.call('get', `/api/teams/${team.teamId}/usage`, { key: team.key }).expect(200)).text;
      expect(await usage()).toContain('cost');
      await onTeam('put', team, '', { cost_visibility: 'none' }).expect(200);
      expect(await usage()).not.toContain('cost');
      const ended = await service
        .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
        .expect(200);
      expect(ended.body.costs).not.toHaveProperty('total_cost_usd');
      await onTeam('put', team, '', { cost_visibility: 'summary' }).expect(200);
      expect(await usage()).toContain('cost');
    });

    it('lose no change of another field that arrives at the same time', async () => {
      const team = await makeTeam(service);
      const groups = [await makeGroup(service, ['gpt-4o'])];
      for (let round = 0; round < 5; round += 1) {
        const alias = `Alias ${String(round)}`;
        await Promise.all([
          onTeam('put', team, '', { team_alias: alias }).expect(200),
          onTeam('put', team, '', { metadata: { round } }).expect(200),
          onTeam('put', team, '/suspend').expect(200),
          setGroups(team, groups).expect(200),
        ]);
        expect(await get(team)).toMatchObject({
          team_alias: alias,
          metadata: { round },
          status: 'suspended',
          model_groups: groups,
        });
        await onTeam('put', team, '/resume').expect(200);
      }
    });
  });

  it('are suspended and resumed twice like once, each with a sentence', async () => {
    const team = await makeTeam(service);
    for (const [path, status, word] of [
      ['/suspend', 'suspended', 'suspended'],
      ['/resume', 'active', 'active'],
    ] as const) {
      for (let round = 0; round < 2; round += 1) {
        const answer = await onTeam('put', team, path).expect(200);
        expect(answer.body).toEqual({
          team_id: team.teamId,
          status,
          message: expect.stringContaining(word),
        });
        expect((await get(team)).status).toBe(status);
      }
    }
  });

  it('are listed newest first as each is shown alone, by organization and by status in any case', async () => {
    const teams = [await makeTeam(service), await makeTeam(service)];
    const [other, first] = teams as [TestTeam, TestTeam];
    const created = await service
      .call('post', '/api/teams/create', {
        body: {
          organization_id: first.organizationId,
          team_id: uniqueName('team'),
          model_groups: [first.groups[0], other.groups[0]],
          credits_allocated: 3,
        },
      })
      .expect(200);
    const second: TestTeam = { ...first, teamId: created.body.team_id as string };
    const third = await makeTeam(service);
    // The ids are random, so of two of one millisecond the later one may come second.
    for (const [index, team] of [other, first, second, third].entries()) {
      await query(
        service.database.url,
        `UPDATE teams SET created_at = created_at + $2::int * interval '1 hour' WHERE team_id = $1`,
        [team.teamId, index + 1],
      );
    }
    await onTeam('put', first, '/suspend').expect(200);
    const list = async (parameters: Record<string, string>) =>
      (await service.call('get', '/api/teams', { query: parameters }).expect(200)).body.data as {
        team_id: string;
      }[];
    const idsOf = async (parameters: Record<string, string>) =>
      (await list(parameters)).map((team) => team.team_id);

    expect(await list({ limit: '4' })).toEqual([
      await get(third),
      await get(second),
      await get(first),
      await get(other),
    ]);
    const organization = { organization_id: first.organizationId };
    expect(await idsOf(organization)).toEqual([second.teamId, first.teamId]);
    expect(await idsOf({ ...organization, status: 'Suspended' })).toEqual([first.teamId]);
    expect(await idsOf({ ...organization, status: 'ACTIVE' })).toEqual([second.teamId]);
    await remove(first).expect(200);
    expect(await idsOf(organization)).toEqual([second.teamId]);
    expect(await idsOf({ ...organization, status: 'suspended' })).toEqual([]);
    expect(await idsOf({ ...organization, status: 'deleted' })).toEqual([first.teamId]);
    for (const status of ['gone', '']) {
      const refused = await service.call('get', '/api/teams', { query: { status } }).expect(422);
      expect(refused.body.errors[0].field).toBe('status');
    }
  });

  describe('whose model groups are replaced', () => {
    it('use the new ones from the next call on, the first where none is named', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o']] });
      const [first, second] = team.groups as [string, string];
      const third = await makeGroup(service, ['gpt-4-turbo']);
      const jobId = await makeJob(service, team);
      const answer = await setGroups(team, [third, first]).expect(200);
      expect(answer.body).toEqual({
        team_id: team.teamId,
        model_groups: [third, first],
        message: expect.any(String),
      });
      expect((await get(team)).model_groups).toEqual([third, first]);
      await callIn(team, jobId).expect(200);
      expect(service.sandbox.served.at(-1)?.model).toBe('gpt-4-turbo');
      expect((await callIn(team, jobId, { model_group: second }).expect(403)).body.code).toBe(
        'model_group_forbidden',
      );
      await setGroups(team, [first, third]).expect(200);
      await callIn(team, jobId).expect(200);
      expect(service.sandbox.served.at(-1)?.model).toBe('gpt-4o-mini');
      await setGroups(team, []).expect(200);
      expect((await callIn(team, jobId).expect(403)).body.code).toBe('model_group_forbidden');
    });

    it('keep their groups when the new ones are refused', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o']] });
      const before = await get(team);
      const another = await makeGroup(service, ['gpt-4']);
      const unknown = await setGroups(team, [another, uniqueName('nothing')]).expect(404);
      expect(unknown.body.code).toBe('model_group_not_found');
      for (const [body, field] of [
        [[another, another], 'body'],
        [Array.from({ length: 101 }, (_, index) => `group-${String(index)}`), 'body'],
        [[another, null], 'body'],
        [['../x'], 'body'],
        [{ model_groups: [another] }, 'body'],
      ] as const) {
        const refused = await onTeam('put', team, '/model-groups', body).expect(422);
        expect((refused.body.errors[0].field as string).split('.')[0]).toBe(field);
      }
      expect(await get(team)).toEqual(before);
    });

    it('end in one of the sets, each answered as it was asked, when twenty overlap at the same time', async () => {
      const team = await makeTeam(service);
      const pool: string[] = [];
      for (let index = 0; index < 6; index += 1) pool.push(await makeGroup(service, ['gpt-4o-mini']));
      // Every set has two to six of the six groups, begins elsewhere and goes round in one of two ways.
      const sets = Array.from({ length: 20 }, (_, index) => {
        const turned = [...pool.slice(index % 6), ...pool.slice(0, index % 6)];
        return (index % 2 === 0 ? turned : turned.toReversed()).slice(0, 2 + (index % 5));
      });
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all(sets.map((set) => setGroups(team, set)));
        expect(answers.map((answer) => [answer.status, answer.body.model_groups as unknown])).toEqual(
          sets.map((set) => [200, set]),
        );
        expect(sets).toContainEqual((await get(team)).model_groups);
      }
    });

    it('let a call end that runs', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-1200']] });
      const jobId = await makeJob(service, team);
      const running = callIn(team, jobId).then((answer) => answer);
      await untilServed(service.sandbox.servedCount() + 1);
      await setGroups(team, []).expect(200);
      const answer = await running;
      expect(answer.status).toBe(200);
      expect(answer.body.metadata.model_group).toBe(team.groups[0]);
    });
  });

  describe('that are deleted', () => {
    it('have no key any more, keep their id and their history, and take no change', async () => {
      const team = await makeTeam(service, { credits: 10 });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      await completeJob(service, team, jobId);
      const paths = [
        `/api/jobs/${jobId}`,
        `/api/jobs/${jobId}?expand=calls`,
        `/api/jobs/${jobId}/costs`,
        `/api/teams/${team.teamId}/jobs`,
        `/api/teams/${team.teamId}/usage`,
        `/api/credits/teams/${team.teamId}/balance`,
        `/api/credits/teams/${team.teamId}/transactions`,
        `/api/organizations/${team.organizationId}/usage`,
      ];
      const read = async () => {
        const texts: string[] = [];
        for (const path of paths) texts.push((await service.call('get', path).expect(200)).text);
        return texts;
      };
      const history = await read();
      const before = await get(team);

      expect((await remove(team).expect(200)).body).toEqual({
        team_id: team.teamId,
        status: 'deleted',
        message: expect.stringContaining('deleted'),
      });
      // The balance tells that its team is deleted, and nothing else that is new.
      expect(await read()).toEqual(
        history.map((text) =>
          text.replace('"status":"active","budget_mode"', '"status":"deleted","budget_mode"'),
        ),
      );
      const after = await get(team);
      expect(after).toEqual({
        ...before,
        status: 'deleted',
        model_groups: [],
        updated_at: expect.any(String),
      });

      for (const [method, path] of [
        ['get', `/api/teams/${team.teamId}`],
        ['get', `/api/jobs/${jobId}`],
        ['get', '/api/model-groups'],
        ['post', `/api/jobs/${jobId}/cancel`],
      ] as const) {
        const refused = await service.call(method, path, { key: team.key }).expect(401);
        expect(refused.body.code).toBe('unauthenticated');
      }
      expect((await createJob(team).expect(401)).body.code).toBe('unauthenticated');

      const again = { organization_id: team.organizationId, team_id: team.teamId, model_groups: [] };
      const taken = await service.call('post', '/api/teams/create', { body: again }).expect(400);
      expect(taken.body.code).toBe('team_already_exists');

      for (const [method, path, body] of [
        ['put', `/api/teams/${team.teamId}`, { team_alias: 'Back' }],
        ['put', `/api/teams/${team.teamId}/model-groups`, team.groups],
        ['put', `/api/teams/${team.teamId}/suspend`, undefined],
        ['put', `/api/teams/${team.teamId}/resume`, undefined],
        ['post', '/api/jobs/create', { team_id: team.teamId, job_type: 'demo' }],
      ] as const) {
        const refused = await service.call(method, path, { body }).expect(409);
        expect([path, refused.body.code]).toEqual([path, 'team_deleted']);
        expect(refused.headers['x-should-retry']).toBe('false');
      }
      await remove(team).expect(200);
      expect(await get(team)).toEqual(after);
    });

    it('take no credits, which nobody could ever use', async () => {
      const team = await makeTeam(service, { credits: 10 });
      await remove(team).expect(200);
      const refused = await service
        .call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits: 5 } })
        .expect(409);
      expect(refused.body.code).toBe('team_deleted');
      const balance = await service.call('get', `/api/credits/teams/${team.teamId}/balance`).expect(200);
      expect(balance.body.credits_allocated).toBe(10);
    });

    it('hold no group back from being deleted', async () => {
      const team = await makeTeam(service);
      await service.call('delete', `/api/model-groups/${team.groups[0]!}`).expect(409);
      await remove(team).expect(200);
      await service.call('delete', `/api/model-groups/${team.groups[0]!}`).expect(200);
    });

    it('were refused while a job was open, and nothing had changed then', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const pending = await makeJob(service, team);
      const begun = await makeJob(service, team);
      await makeCall(service, team, begun);
      const before = await get(team);
      for (const [jobId, status] of [
        [pending, 'cancelled'],
        [begun, 'failed'],
      ] as const) {
        const refused = await remove(team).expect(409);
        expect(refused.body.code).toBe('team_has_open_jobs');
        expect(refused.headers['x-should-retry']).toBe('false');
        const { credits: _, ...rest } = await get(team);
        expect(before).toMatchObject(rest);
        await completeJob(service, team, jobId, status);
      }
      await remove(team).expect(200);
    });

    it('were deleted while suspended, too', async () => {
      const team = await makeTeam(service);
      await onTeam('put', team, '/suspend').expect(200);
      await remove(team).expect(200);
      expect((await get(team)).status).toBe('deleted');
    });

    it('still get a call on record that was running when its job was cancelled', async () => {
      const team = await makeTeam(service, { credits: 5, groups: [['fault-delay-1200+cost-0.1']] });
      const jobId = await makeJob(service, team);
      const running = callIn(team, jobId).then((answer) => answer);
      await untilServed(service.sandbox.servedCount() + 1);
      await service.call('post', `/api/jobs/${jobId}/cancel`, { key: team.key }).expect(200);
      await remove(team).expect(200);
      expect((await running).status).toBe(200);
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs).toMatchObject({
        successful_calls: 1,
        running_calls: 0,
        total_cost_usd: 0.1,
      });
    });

    it('begin no job that arrives while the deletion is half done', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const keys = 'SELECT FROM virtual_keys WHERE team_id = $1 FOR UPDATE';
      const answers: Promise<{ status: number; body: { code?: string } }>[] = [];
      await whileLocked(keys, team, async () => {
        answers.push(remove(team).then((answer) => answer));
        await untilWaiting(1);
        answers.push(createJob(team).then((answer) => answer));
        await untilWaiting(2);
      });
      const [deletion, creation] = await Promise.all(answers);
      expect(deletion!.status).toBe(200);
      expect([creation!.status, creation!.body.code]).toEqual([401, 'unauthenticated']);
      expect(await countOpenJobs(team)).toBe(0);
      await expectDeletedBalance(team, 5);
    });

    it('are not deleted past a job that is half begun', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const account = 'SELECT FROM credit_accounts WHERE team_id = $1 FOR UPDATE';
      const answers: Promise<{ status: number; body: { code?: string } }>[] = [];
      await whileLocked(account, team, async () => {
        answers.push(createJob(team).then((answer) => answer));
        await untilWaiting(1);
        answers.push(remove(team).then((answer) => answer));
        await untilWaiting(2);
      });
      const [creation, deletion] = await Promise.all(answers);
      expect(creation!.status).toBe(200);
      expect([deletion!.status, deletion!.body.code]).toEqual([409, 'team_has_open_jobs']);
      await expectBalance(service, team, { allocated: 5, used: 0, held: 1 });
    });

    it('never have an open job left, when twenty begin at the same time', async () => {
      for (let round = 0; round < 8; round += 1) {
        const team = await makeTeam(service, { credits: 50 });
        const createJobs = (count: number) => Array.from({ length: count }, () => createJob(team));
        // The deletion goes first, last, or somewhere between.
        const ahead = [0, 20, 5, 10][round % 4]!;
        const [early, deletion, late] = await Promise.all([
          Promise.all(createJobs(ahead)),
          remove(team),
          Promise.all(createJobs(20 - ahead)),
        ]);
        const created = [...early, ...late].filter((answer) => answer.status === 200);
        const refused = [...early, ...late].filter((answer) => answer.status !== 200);
        expect(await countOpenJobs(team)).toBe(created.length);
        if (deletion.status === 200) {
          expect(created).toEqual([]);
          // Also of those that the guard had let in already.
          expect([...new Set(refused.map((answer) => answer.body.code as string))]).toEqual([
            'unauthenticated',
          ]);
          await expectDeletedBalance(team, 50);
        } else {
          expect([deletion.status, deletion.body.code]).toEqual([409, 'team_has_open_jobs']);
          expect(refused).toEqual([]);
          await expectBalance(service, team, { allocated: 50, used: 0, held: 20 });
        }
      }
    });

    it('never have an open job left, when the last one ends and another begins meanwhile', async () => {
      for (let round = 0; round < 6; round += 1) {
        const team = await makeTeam(service, { credits: 5 });
        const last = await makeJob(service, team);
        const [ended, deletion, next] = await Promise.all([
          service.call('post', `/api/jobs/${last}/cancel`, { key: team.key }),
          remove(team),
          createJob(team),
        ]);
        // A deletion waits for the job to have ended, so the end is never refused.
        expect(ended.status).toBe(200);
        const open = await countOpenJobs(team);
        if (deletion.status === 200) {
          expect(open).toBe(0);
          expect(next.body.code).toBe('unauthenticated');
        } else {
          expect([deletion.status, deletion.body.code]).toEqual([409, 'team_has_open_jobs']);
          expect([next.status, open]).toEqual([200, 1]);
        }
      }
    });

    it('are deleted once by ten parallel requests, all answered alike', async () => {
      const team = await makeTeam(service);
      const answers = await Promise.all(Array.from({ length: 10 }, () => remove(team)));
      expect(new Set(answers.map((answer) => `${String(answer.status)} ${answer.text}`)).size).toBe(1);
      expect(answers[0]!.status).toBe(200);
    });

    it('have no group and no other state, whatever change arrives at the same time', async () => {
      for (let round = 0; round < 5; round += 1) {
        const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o']] });
        const [deletion, ...changes] = await Promise.all([
          remove(team),
          setGroups(team, team.groups.toReversed()),
          onTeam('put', team, '/suspend'),
          onTeam('put', team, '', { team_alias: 'Late' }),
          onTeam('put', team, '/resume'),
        ]);
        expect(deletion.status).toBe(200);
        for (const change of changes) {
          if (change.status !== 200) expect([change.status, change.body.code]).toEqual([409, 'team_deleted']);
        }
        expect(await get(team)).toMatchObject({ status: 'deleted', model_groups: [] });
      }
    });
  });

  async function expectDeletedBalance(team: TestTeam, allocated: number): Promise<void> {
    const balance = await service.call('get', `/api/credits/teams/${team.teamId}/balance`).expect(200);
    expect(balance.body).toMatchObject({ credits_remaining: allocated, credits_held: 0 });
  }

  it.each<[Method, string, unknown]>([
    ['put', '', { team_alias: 'Mine' }],
    ['put', '/model-groups', []],
    ['put', '/suspend', undefined],
    ['put', '/resume', undefined],
    ['delete', '', undefined],
  ])(
    'are changed by the admin only, and unknown where there are none: %s …%s',
    async (method, path, body) => {
      const team = await makeTeam(service);
      const before = await get(team);
      const on = (teamId: string, key?: string | null) =>
        service.call(method, `/api/teams/${teamId}${path}`, { body, ...(key !== undefined && { key }) });
      const own = await on(team.teamId, team.key).expect(403);
      const unknown = await on(uniqueName('nobody'), team.key).expect(403);
      expect({ ...own.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
      await on(team.teamId, null).expect(401);
      expect((await on(uniqueName('nobody')).expect(404)).body.code).toBe('team_not_found');
      expect(await get(team)).toEqual(before);
    },
  );

  it('are listed for the admin only', async () => {
    const team = await makeTeam(service);
    await service.call('get', '/api/teams', { key: team.key }).expect(403);
    await service.call('get', '/api/teams', { key: null }).expect(401);
  });
});
