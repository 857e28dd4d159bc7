import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Transactions } from '../../src/database/transactions.js';
import { ModelGroupsService } from '../../src/model-groups/model-groups.service.js';
import { query } from '../support/database.js';
import {
  completeJob,
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

interface Model {
  readonly model_name: string;
  readonly priority?: number | null;
  readonly weight?: number | null;
  readonly is_active?: boolean | null;
}

describe('model groups', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const create = (groupName: string, models: readonly Model[], rest: object = {}) =>
    service.call('post', '/api/model-groups/create', { body: { group_name: groupName, models, ...rest } });
  const onGroup = (method: Method, groupName: string, path = '', body?: unknown) =>
    service.call(method, `/api/model-groups/${groupName}${path}`, { body });
  const get = async (groupName: string) =>
    (await onGroup('get', groupName).expect(200)).body as Record<string, unknown>;
  const setModels = (groupName: string, models: readonly Model[]) =>
    onGroup('put', groupName, '/models', models);
  const setGroups = (team: TestTeam, groups: readonly string[]) =>
    service.call('put', `/api/teams/${team.teamId}/model-groups`, { body: groups });
  const callIn = (team: TestTeam, jobId: string, body: object = {}) =>
    service.call('post', `/api/jobs/${jobId}/llm-call`, {
      key: team.key,
      body: { messages: MESSAGES, ...body },
    });
  const resolve = (groupName: string, query: Record<string, string>, key?: string) =>
    service.call('get', `/api/model-groups/${groupName}/resolve`, {
      query,
      ...(key !== undefined && { key }),
    });

  /** Which models the upstream is asked for while something is done. */
  async function modelsAskedBy(work: () => PromiseLike<unknown>): Promise<string[]> {
    const before = service.sandbox.servedCount();
    await work();
    const count = service.sandbox.servedCount() - before;
    return count === 0 ? [] : service.sandbox.served.slice(-count).map((request) => request.model);
  }

  /** Until a transaction waits for a lock. */
  async function untilOneWaits(): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      const rows = await query(
        service.database.url,
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows.length === 1) return;
    }
    throw new Error('Nobody waits for a lock.');
  }

  describe('when they are created', () => {
    it('are called as they are named and try equals in the order given, unless told otherwise', async () => {
      const groupName = uniqueName('group');
      const models = [{ model_name: 'b' }, { model_name: 'a', priority: null }, { model_name: 'c' }];
      const created = await create(groupName, models, { display_name: null, description: null }).expect(200);
      expect(created.body).toEqual({
        model_group_id: expect.any(String),
        group_name: groupName,
        display_name: groupName,
        description: null,
        status: 'active',
        models: ['b', 'a', 'c'].map((name) => ({
          model_name: name,
          priority: 0,
          weight: 1,
          is_active: true,
        })),
        created_at: expect.any(String),
        updated_at: created.body.created_at,
      });
      expect(await get(groupName)).toEqual(created.body);
    });

    it('are created once by ten parallel requests of one name', async () => {
      const groupName = uniqueName('group');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) => create(groupName, [{ model_name: `m${String(index)}` }])),
      );
      const winners = answers.filter((answer) => answer.status === 200);
      expect(winners).toHaveLength(1);
      for (const answer of answers.filter((other) => other.status !== 200)) {
        expect(answer.body).toMatchObject({ status: 400, code: 'model_group_already_exists' });
        expect(answer.body.detail).toContain('already exists');
      }
      expect(await get(groupName)).toEqual(winners[0]!.body);
    });
  });

  describe('whose models are replaced', () => {
    it('try the new ones by priority from the next call on', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini']] });
      const groupName = team.groups[0]!;
      const jobId = await makeJob(service, team);
      const answer = await setModels(groupName, [
        { model_name: 'gpt-4o', priority: 9, weight: 1000 },
        { model_name: 'fault-status-503', priority: 2 },
        { model_name: 'fault-status-500', weight: null },
        { model_name: 'fault-status-502', priority: 2, weight: 1 },
      ]).expect(200);
      const models = [
        { model_name: 'fault-status-500', priority: 0, weight: 1, is_active: true },
        { model_name: 'fault-status-503', priority: 2, weight: 1, is_active: true },
        { model_name: 'fault-status-502', priority: 2, weight: 1, is_active: true },
        { model_name: 'gpt-4o', priority: 9, weight: 1000, is_active: true },
      ];
      expect(answer.body).toEqual({ group_name: groupName, models });
      expect((await get(groupName)).models).toEqual(models);
      const [first, second, third, last] = await modelsAskedBy(() => callIn(team, jobId).expect(200));
      expect([first, last]).toEqual(['fault-status-500', 'gpt-4o']);
      // Which of two equals goes first is drawn.
      expect([second, third].sort()).toEqual(['fault-status-502', 'fault-status-503']);
    });

    it('share the calls among equals', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await setModels(team.groups[0]!, [
        { model_name: 'gpt-4o', weight: 1 },
        { model_name: 'gpt-4', weight: 1 },
      ]).expect(200);
      const asked = new Set<string | undefined>();
      // That one of the two never comes in forty draws happens once in 5e11 runs.
      for (let call = 0; call < 40; call += 1) {
        asked.add((await modelsAskedBy(() => callIn(team, jobId).expect(200)))[0]);
      }
      expect([...asked].sort()).toEqual(['gpt-4', 'gpt-4o']);
    });

    it('pass over those that are switched off', async () => {
      const team = await makeTeam(service);
      const groupName = team.groups[0]!;
      const jobId = await makeJob(service, team);
      await setModels(groupName, [
        { model_name: 'gpt-4o', priority: 0, is_active: false },
        { model_name: 'fault-status-500', priority: 1 },
        { model_name: 'gpt-4', priority: 2, is_active: false },
        { model_name: 'gpt-4-turbo', priority: 3, is_active: null },
      ]).expect(200);
      const asked = await modelsAskedBy(() => callIn(team, jobId).expect(200));
      expect(asked).toEqual(['fault-status-500', 'gpt-4-turbo']);
      expect((await get(groupName)).models).toHaveLength(4);
      const resolved = await resolve(groupName, { team_id: team.teamId }).expect(200);
      expect(resolved.body).toMatchObject({
        primary_model: 'fault-status-500',
        fallback_models: ['gpt-4-turbo'],
      });

      // When all that are left fail, none of those that are switched off is asked.
      await setModels(groupName, [
        { model_name: 'fault-status-500' },
        { model_name: 'gpt-4o', is_active: false },
      ]).expect(200);
      expect(await modelsAskedBy(() => callIn(team, jobId).expect(502))).toEqual(['fault-status-500']);
    });

    it('are resolved for a call with priority and weight, those that are switched off left out', async () => {
      const team = await makeTeam(service);
      await setModels(team.groups[0]!, [
        { model_name: 'c', priority: 1, weight: 7 },
        { model_name: 'off', weight: 900, is_active: false },
        { model_name: 'b', priority: 1 },
        { model_name: 'a', weight: 3 },
      ]).expect(200);
      const { manager } = service.app.get(Transactions, { strict: false });
      const modelGroups = service.app.get(ModelGroupsService, { strict: false });
      expect(await modelGroups.resolveForTeam(manager, team.teamId, null, false)).toMatchObject({
        groupName: team.groups[0],
        models: [
          { modelName: 'a', priority: 0, weight: 3 },
          { modelName: 'c', priority: 1, weight: 7 },
          { modelName: 'b', priority: 1, weight: 1 },
        ],
      });
    });

    it('keep them when the new ones are refused', async () => {
      const groupName = await makeGroup(service, ['gpt-4o', 'gpt-4o-mini']);
      const before = await get(groupName);
      for (const models of [
        [],
        [{ model_name: 'gpt-4o', is_active: false }],
        [{ model_name: 'gpt-4o' }, { model_name: 'gpt-4o', priority: 1 }],
        [{ model_name: 'gpt-4o,gpt-4' }],
        [{ model_name: 'gpt-4o', priority: -1 }],
        [{ model_name: 'gpt-4o', weight: 0 }],
        [{ model_name: 'gpt-4o', weight: 1001 }],
        [{ model_name: 'gpt-4o', weight: 1.5 }],
        [{ model_name: 'gpt-4o', colour: 'red' }],
        Array.from({ length: 21 }, (_, index) => ({ model_name: `m${String(index)}` })),
        { models: [{ model_name: 'gpt-4o' }] },
      ]) {
        const refused = await onGroup('put', groupName, '/models', models).expect(422);
        expect((refused.body.errors[0].field as string).split('.')[0]).toBe('body');
      }
      const allOff = [{ model_name: 'gpt-4o', is_active: false }];
      const refused = await create(uniqueName('group'), allOff).expect(422);
      expect(refused.body.errors[0].field).toBe('models');
      expect(await get(groupName)).toEqual(before);
    });

    it('let a call go on with the models that it began with', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-800+status-500', 'gpt-4o']] });
      const jobId = await makeJob(service, team);
      const before = service.sandbox.servedCount();
      const running = callIn(team, jobId).then((answer) => answer);
      while (service.sandbox.servedCount() === before) await new Promise((done) => setTimeout(done, 5));
      await setModels(team.groups[0]!, [{ model_name: 'gpt-4-turbo' }]).expect(200);
      expect((await running).status).toBe(200);
      expect(service.sandbox.served.at(-1)?.model).toBe('gpt-4o');
    });

    it('are at every moment one set or another, never half of one, and no call finds none', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const groupName = team.groups[0]!;
      const jobId = await makeJob(service, team);
      const sets = Array.from({ length: 20 }, (_, set) =>
        Array.from({ length: 1 + (set % 4) }, (_item, index) => ({
          model_name: `model-${String(set)}-${String(index)}`,
          priority: index,
          weight: 1 + set,
          is_active: true,
        })),
      );
      await setModels(groupName, sets[0]!).expect(200);
      const [replaced, called, shown] = await Promise.all([
        Promise.all(sets.map((set) => setModels(groupName, set))),
        Promise.all(Array.from({ length: 10 }, () => callIn(team, jobId))),
        Promise.all(Array.from({ length: 20 }, () => get(groupName))),
      ]);
      expect(replaced.map((answer) => [answer.status, answer.body.models as unknown])).toEqual(
        sets.map((set) => [200, set]),
      );
      expect(called.map((answer) => answer.status)).toEqual(Array.from({ length: 10 }, () => 200));
      for (const { models } of shown) expect(sets).toContainEqual(models);
      expect(sets).toContainEqual((await get(groupName)).models);
    });
  });

  describe('when they are changed', () => {
    it('keep what is left out or null, and their models', async () => {
      const groupName = uniqueName('group');
      const described = { display_name: 'Fast', description: 'For drafts' };
      const created = await create(groupName, [{ model_name: 'gpt-4o', priority: 3 }], described).expect(200);
      const change = (body: object) => onGroup('put', groupName, '', body).expect(200);
      const renamed = await change({ display_name: 'Faster', description: null, status: null });
      expect(renamed.body).toEqual({
        ...created.body,
        display_name: 'Faster',
        updated_at: expect.any(String),
      });
      const rewritten = await change({ display_name: null, description: 'For all' });
      expect(rewritten.body).toEqual({
        ...renamed.body,
        description: 'For all',
        updated_at: expect.any(String),
      });
      const untouched = await change({});
      expect(untouched.body).toEqual({ ...rewritten.body, updated_at: expect.any(String) });
      for (const field of ['group_name', 'models', 'model_group_id']) {
        const refused = await onGroup('put', groupName, '', { [field]: 'x' }).expect(422);
        expect(refused.body.errors[0].field).toBe(field);
      }
      expect(await get(groupName)).toEqual(untouched.body);
    });

    it.each(['inactive', 'INACTIVE'])(
      'and switched off as %s refuse calls, of every team',
      async (status) => {
        const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4-turbo']] });
        const [off, on] = team.groups as [string, string];
        const other = await makeTeam(service);
        await setGroups(other, [off]).expect(200);
        const jobs = [await makeJob(service, team), await makeJob(service, other)] as const;
        const changed = await onGroup('put', off, '', { status }).expect(200);
        expect(changed.body.status).toBe('inactive');

        const asked = await modelsAskedBy(async () => {
          for (const [caller, jobId, body] of [
            [team, jobs[0], { model_group: off }],
            // The default group is not replaced by another one, which may be dearer.
            [team, jobs[0], {}],
            [other, jobs[1], {}],
          ] as const) {
            expect((await callIn(caller, jobId, body).expect(403)).body.code).toBe('model_group_inactive');
          }
          const byAdmin = await service
            .call('post', `/api/jobs/${jobs[0]}/llm-call`, { body: { messages: MESSAGES, model_group: off } })
            .expect(403);
          expect(byAdmin.body.code).toBe('model_group_inactive');
        });
        expect(asked).toEqual([]);
        const refused = await service.call('get', `/api/jobs/${jobs[0]}`, { key: team.key }).expect(200);
        expect(refused.body.status).toBe('pending');
        await callIn(team, jobs[0], { model_group: on }).expect(200);

        const listed = await service.call('get', '/api/model-groups', { key: other.key }).expect(200);
        expect(listed.body.data).toMatchObject([{ group_name: off, status: 'inactive' }]);
        const own = await resolve(off, {}, team.key).expect(200);
        expect(own.body).toMatchObject({ team_has_access: false, primary_model: null, fallback_models: [] });
        const forAdmin = await resolve(off, { team_id: team.teamId }).expect(200);
        expect(forAdmin.body.team_has_access).toBe(false);

        await onGroup('put', off, '', { status: 'Active' }).expect(200);
        await callIn(other, jobs[1]).expect(200);
        expect((await resolve(off, {}, team.key)).body.team_has_access).toBe(true);
      },
    );
  });

  describe('that are deleted', () => {
    it('were assigned to no team, and leave their name in past calls', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o']] });
      const [gone, kept] = team.groups as [string, string];
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const before = await get(gone);
      const refused = await onGroup('delete', gone).expect(409);
      expect(refused.body.code).toBe('model_group_in_use');
      expect(refused.headers['x-should-retry']).toBe('false');
      expect(await get(gone)).toEqual(before);

      await setGroups(team, [kept]).expect(200);
      expect((await onGroup('delete', gone).expect(200)).body).toEqual({
        group_name: gone,
        status: 'deleted',
        message: expect.stringContaining('deleted'),
      });
      for (const [method, path, body] of [
        ['get', '', undefined],
        ['put', '', { display_name: 'Back' }],
        ['put', '/models', [{ model_name: 'gpt-4o' }]],
        ['delete', '', undefined],
      ] as const) {
        const missing = await onGroup(method, gone, path, body).expect(404);
        expect(missing.body.code).toBe('model_group_not_found');
      }
      const job = await service
        .call('get', `/api/jobs/${jobId}`, { key: team.key, query: { expand: 'calls' } })
        .expect(200);
      expect(job.body).toMatchObject({ model_groups_used: [gone], calls: [{ model_group: gone }] });
    });

    it('do not come back to a team under a name that is used again', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o']] });
      const [reused, kept] = team.groups as [string, string];
      const first = await get(reused);
      await setGroups(team, [kept]).expect(200);
      await onGroup('delete', reused).expect(200);
      const second = await create(reused, [{ model_name: 'gpt-4' }]).expect(200);
      expect(second.body.model_group_id).not.toBe(first['model_group_id']);
      expect(second.body.models).toEqual([{ model_name: 'gpt-4', priority: 0, weight: 1, is_active: true }]);
      const jobId = await makeJob(service, team);
      expect((await callIn(team, jobId, { model_group: reused }).expect(403)).body.code).toBe(
        'model_group_forbidden',
      );
    });

    it('let a call end that runs', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-800+status-500', 'gpt-4o']] });
      const jobId = await makeJob(service, team);
      const before = service.sandbox.servedCount();
      const running = callIn(team, jobId).then((answer) => answer);
      while (service.sandbox.servedCount() === before) await new Promise((done) => setTimeout(done, 5));
      await setGroups(team, []).expect(200);
      await onGroup('delete', team.groups[0]!).expect(200);
      const answer = await running;
      expect([answer.status, answer.body.metadata?.model_group]).toEqual([200, team.groups[0]]);
      await completeJob(service, team, jobId);
    });

    it.each(['alone', 'in a list'])('are never shown without a model, %s', async (shown) => {
      const groupName = await makeGroup(service, ['gpt-4o']);
      const client = new Client({ connectionString: service.database.url });
      await client.connect();
      let reading: Promise<{ status: number; body: Record<string, unknown> }>;
      try {
        // A reader that has seen the group waits here for its models, and they are gone when it may go on.
        await client.query('BEGIN');
        await client.query('LOCK TABLE model_group_models IN ACCESS EXCLUSIVE MODE');
        const path = shown === 'alone' ? `/api/model-groups/${groupName}` : '/api/model-groups?limit=1';
        reading = service.call('get', path).then((answer) => answer);
        await untilOneWaits();
        await client.query('DELETE FROM model_groups WHERE group_name = $1', [groupName]);
        await client.query('COMMIT');
      } finally {
        await client.end();
      }
      const { status, body } = await reading;
      const groups = (shown === 'alone' ? [body] : body['data']) as Record<string, unknown>[];
      if (status === 200) for (const group of groups) expect(group['models']).not.toEqual([]);
      else expect([shown, status]).toEqual(['alone', 404]);
    });

    it('are never had by a team, when they are assigned at the same time', async () => {
      const kept = await makeGroup(service, ['gpt-4o']);
      for (let round = 0; round < 8; round += 1) {
        const first = await makeTeam(service, { groups: [['gpt-4o-mini'], ['gpt-4o-mini']] });
        const second = await makeTeam(service);
        const [wanted, mine] = first.groups as [string, string];
        await setGroups(first, [mine]).expect(200);
        const newTeam = {
          organization_id: first.organizationId,
          team_id: uniqueName('team'),
          model_groups: [kept, wanted],
        };
        const [deletion, ...assignments] = await Promise.all([
          onGroup('delete', wanted),
          setGroups(first, [wanted, mine]),
          setGroups(second, [mine, wanted]),
          service.call('post', '/api/teams/create', { body: newTeam }),
          onGroup('put', wanted, '', { description: 'late' }),
          setModels(wanted, [{ model_name: 'gpt-4' }]),
        ]);
        const isDeleted = deletion.status === 200;
        if (!isDeleted) expect([deletion.status, deletion.body.code]).toEqual([409, 'model_group_in_use']);
        for (const answer of assignments) {
          if (answer.status === 200) continue;
          expect([answer.status, answer.body.code, isDeleted]).toEqual([404, 'model_group_not_found', true]);
        }
        // The team that could not be created is not there; the others have the group, or what they had.
        const created = assignments[2].status === 200;
        await service.call('get', `/api/teams/${newTeam.team_id}`).expect(created ? 200 : 404);
        for (const [index, team] of [first, second].entries()) {
          const shown = await service.call('get', `/api/teams/${team.teamId}`).expect(200);
          const groups = shown.body.model_groups as string[];
          expect(groups.includes(wanted)).toBe(assignments[index]!.status === 200);
          if (isDeleted) expect(groups).not.toContain(wanted);
        }
        await onGroup('get', wanted).expect(isDeleted ? 404 : 200);
      }
    });
  });

  describe('in a list', () => {
    it('are all there for the admin with their models, newest first', async () => {
      const older = await makeGroup(service, ['gpt-4o', 'gpt-4']);
      const newer = await makeGroup(service, ['gpt-4o-mini']);
      const list = await service.call('get', '/api/model-groups', { query: { limit: '2' } }).expect(200);
      expect(list.body.data).toEqual([await get(newer), await get(older)]);
      expect(list.body.has_more).toBe(true);
    });

    it('are for a team its own, without models, in pages', async () => {
      const team = await makeTeam(service, { groups: [['m1'], ['m2'], ['m3'], ['m4'], ['m5']] });
      await makeTeam(service);
      const page = async (query: Record<string, string>) =>
        (await service.call('get', '/api/model-groups', { key: team.key, query }).expect(200)).body as {
          data: Record<string, unknown>[];
          has_more: boolean;
          next_cursor: string | null;
        };
      const first = await page({ limit: '2' });
      const second = await page({ limit: '2', cursor: first.next_cursor! });
      const third = await page({ limit: '2', cursor: second.next_cursor! });
      const rows = [first, second, third].flatMap(({ data }) => data);
      expect(rows.map((row) => row['group_name'])).toEqual(team.groups.toReversed());
      expect([first.has_more, second.has_more, third.has_more]).toEqual([true, true, false]);
      for (const row of rows) expect(row).not.toHaveProperty('models');
      const without = await makeTeam(service, { groups: [] });
      const none = await service.call('get', '/api/model-groups', { key: without.key }).expect(200);
      expect(none.body).toEqual({ data: [], has_more: false, next_cursor: null });
    });
  });

  describe('when they are resolved', () => {
    it('show the admin their models in order, and whether the team has them', async () => {
      const team = await makeTeam(service, { groups: [['gpt-4o', 'gpt-4', 'gpt-4o-mini']] });
      const stranger = await makeTeam(service);
      const groupName = team.groups[0]!;
      const resolved = await resolve(groupName, { team_id: team.teamId }).expect(200);
      expect(resolved.body).toEqual({
        group_name: groupName,
        team_has_access: true,
        primary_model: 'gpt-4o',
        fallback_models: ['gpt-4', 'gpt-4o-mini'],
      });
      const foreign = await resolve(groupName, { team_id: stranger.teamId }).expect(200);
      expect(foreign.body.team_has_access).toBe(false);
      expect((await resolve(groupName, {}).expect(422)).body.errors[0].field).toBe('team_id');
      const nobody = await resolve(groupName, { team_id: uniqueName('nobody') }).expect(404);
      expect(nobody.body.code).toBe('team_not_found');
      const nothing = await resolve(uniqueName('nothing'), { team_id: team.teamId }).expect(404);
      expect(nothing.body.code).toBe('model_group_not_found');
    });

    it('show a team their own name, and alike those that it lacks and those that do not exist', async () => {
      const team = await makeTeam(service);
      const stranger = await makeTeam(service);
      const groupName = team.groups[0]!;
      for (const query of [{}, { team_id: team.teamId }] as Record<string, string>[]) {
        const own = await resolve(groupName, query, team.key).expect(200);
        expect(own.body).toEqual({
          group_name: groupName,
          team_has_access: true,
          primary_model: groupName,
          fallback_models: [],
        });
        for (const name of [stranger.groups[0]!, uniqueName('nothing'), 'gpt-4o-mini']) {
          const lacking = await resolve(name, query, team.key).expect(200);
          expect(lacking.body).toEqual({
            group_name: name,
            team_has_access: false,
            primary_model: null,
            fallback_models: [],
          });
        }
      }
      const other = await resolve(groupName, { team_id: stranger.teamId }, team.key).expect(403);
      const unknown = await resolve(groupName, { team_id: uniqueName('nobody') }, team.key).expect(403);
      expect(other.body.code).toBe('other_team');
      expect({ ...other.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
    });
  });

  it('never tell a team the name of a model, in any byte of an answer', async () => {
    const models = ['fault-status-500', 'fault-status-503', 'zebra-9000-ultra'];
    const team = await makeTeam(service, { groups: [models], costVisibility: 'none' });
    const groupName = team.groups[0]!;
    const jobId = await makeJob(service, team);
    const ask = (method: Method, path: string, body?: object) =>
      service.call(method, path, { key: team.key, body });
    await makeCall(service, team, jobId);
    const answers = [
      await ask('get', '/api/model-groups').expect(200),
      await ask('get', `/api/model-groups/${groupName}/resolve`).expect(200),
      await ask('get', `/api/model-groups/${groupName}`).expect(403),
      await ask('put', `/api/model-groups/${groupName}/models`, []).expect(403),
      await ask('delete', `/api/model-groups/${groupName}`).expect(403),
      await ask('get', `/api/teams/${team.teamId}`).expect(200),
      await ask('get', `/api/teams/${team.teamId}/jobs`).expect(200),
      await ask('get', `/api/teams/${team.teamId}/usage`).expect(200),
      await ask('get', `/api/jobs/${jobId}?expand=calls`).expect(200),
      await ask('get', `/api/jobs/${jobId}/costs`).expect(403),
    ];
    await setModels(groupName, [
      { model_name: models[0]! },
      { model_name: models[2]!, is_active: false },
    ]).expect(200);
    answers.push(await callIn(team, jobId).expect(502));
    await onGroup('put', groupName, '', { status: 'inactive' }).expect(200);
    answers.push(await callIn(team, jobId).expect(403));
    answers.push(await ask('get', `/api/model-groups/${groupName}/resolve`).expect(200));
    await setGroups(team, []).expect(200);
    answers.push(await callIn(team, jobId, { model_group: groupName }).expect(403));
    answers.push(await callIn(team, jobId).expect(403));
    for (const answer of answers) {
      const text = `${answer.text} ${JSON.stringify(answer.headers)}`.toLowerCase();
      expect(['fault-', 'zebra', 'model_name', 'weight'].filter((secret) => text.includes(secret))).toEqual(
        [],
      );
    }
  });

  it.each<[Method, string, unknown]>([
    ['get', '', undefined],
    ['put', '', { display_name: 'Mine' }],
    ['put', '/models', [{ model_name: 'gpt-4' }]],
    ['delete', '', undefined],
  ])('are for the admin only: %s …%s', async (method, path, body) => {
    const team = await makeTeam(service);
    const before = await get(team.groups[0]!);
    const on = (groupName: string, key: string | null) =>
      service.call(method, `/api/model-groups/${groupName}${path}`, { body, key });
    const own = await on(team.groups[0]!, team.key).expect(403);
    const unknown = await on(uniqueName('nothing'), team.key).expect(403);
    expect({ ...own.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
    await on(team.groups[0]!, null).expect(401);
    expect(await get(team.groups[0]!)).toEqual(before);
  });
});
