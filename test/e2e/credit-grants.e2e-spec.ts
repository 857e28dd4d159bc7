import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completeJob, expectBalance, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

describe('grants of credits', () => {
  let service: TestService;
  let secondReplica: TestService;
  const clock = new TestClock(new Date('2026-03-10T12:00:00.000Z'));

  beforeAll(async () => {
    service = await startTestService({ clock });
    secondReplica = await startTestService({
      clock,
      database: service.database,
      environment: { CREDITS_TEAM_SELF_SERVICE: 'true' },
    });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await secondReplica.stop();
    await service.stop();
  });

  const post = (team: TestTeam, route: string, body: object, on = service) =>
    on.call('post', `/api/credits/teams/${team.teamId}/${route}`, { body });
  const listGrants = async (team: TestTeam, key?: string) =>
    (
      await service
        .call('get', `/api/credits/teams/${team.teamId}/grants`, { ...(key !== undefined && { key }) })
        .expect(200)
    ).body.data as Record<string, unknown>[];
  const remainingOf = async (team: TestTeam) =>
    (await service.call('get', `/api/credits/teams/${team.teamId}/balance`).expect(200)).body
      .credits_remaining as number;

  const EVERYTHING = {
    credits: 40,
    kind: 'promotion',
    reason: 'Spring',
    unit_price_usd: 0.0000001,
    priority: -3,
    starts_at: '2026-03-01T00:00:00Z',
    expires_at: '2026-04-01T02:00:00+02:00',
    job_types: ['analysis', 'summary'],
    external_reference: 'campaign-1',
  };

  it('have the terms that were asked for, and those that were not by default', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const all = (await post(team, 'add', EVERYTHING).expect(200)).body;
    expect(all).toMatchObject({ credits_allocated: 40, credits_remaining: 40 });
    expect(all.grant).toEqual({
      grant_id: expect.any(String),
      kind: 'promotion',
      status: 'active',
      credits: 40,
      credits_remaining: 40,
      credits_expired: 0,
      reason: 'Spring',
      priority: -3,
      starts_at: '2026-03-01T00:00:00.000Z',
      expires_at: '2026-04-01T00:00:00.000Z',
      job_types: ['analysis', 'summary'],
      external_reference: 'campaign-1',
      unit_price_usd: 0.0000001,
      payment_type: null,
      payment_amount_usd: null,
      created_at: '2026-03-10T12:00:00.000Z',
    });
    const none = (await post(team, 'add', { credits: 1, kind: null, starts_at: null }).expect(200)).body;
    expect(none.grant).toMatchObject({
      kind: 'allocation',
      priority: 0,
      reason: null,
      starts_at: null,
      expires_at: null,
      job_types: null,
      external_reference: null,
      unit_price_usd: null,
    });
    expect(await listGrants(team)).toEqual([none.grant, all.grant]);
  });

  it.each([
    [{ kind: 'refill' }, 'kind', 'is_in'],
    [{ unit_price_usd: -0.1 }, 'unit_price_usd', 'min'],
    [{ unit_price_usd: 1e-13 }, 'unit_price_usd', 'max_decimals'],
    [{ unit_price_usd: 0.1234567890123 }, 'unit_price_usd', 'max_decimals'],
    [{ priority: -1001 }, 'priority', 'min'],
    [{ priority: 1001 }, 'priority', 'max'],
    [{ priority: 0.5 }, 'priority', 'is_int'],
    [{ starts_at: 'tomorrow' }, 'starts_at', 'is_instant'],
    [{ expires_at: '2026-02-30' }, 'expires_at', 'is_instant'],
    // At its end exactly, a grant has run out.
    [{ expires_at: '2026-03-10T12:00:00.000Z' }, 'expires_at', 'not_in_future'],
    [
      { starts_at: '2026-04-02T00:00:00Z', expires_at: '2026-04-02T00:00:00Z' },
      'expires_at',
      'not_after_start',
    ],
    [{ job_types: [] }, 'job_types', 'array_min_size'],
    [{ job_types: ['a', 'a'] }, 'job_types', 'array_unique'],
    [{ job_types: ['a', ''] }, 'job_types', 'min_length'],
    [{ job_types: ['a', 'x'.repeat(129)] }, 'job_types', 'max_length'],
    [{ job_types: ['a', 7] }, 'job_types', 'is_string'],
    [{ job_types: ['a\0'] }, 'job_types', 'is_storable'],
    [{ job_types: Array.from({ length: 101 }, (_, i) => `t${String(i)}`) }, 'job_types', 'array_max_size'],
    [{ external_reference: '' }, 'external_reference', 'min_length'],
    [{ external_reference: 'x'.repeat(256) }, 'external_reference', 'max_length'],
  ])('are refused with %j', async (terms, field, code) => {
    const team = await makeTeam(service, { credits: 0 });
    const answer = await post(team, 'add', { credits: 1, ...terms }).expect(422);
    expect(answer.body.errors).toMatchObject([{ field, code }]);
    expect(await listGrants(team)).toEqual([]);
  });

  it('take the edges of what is allowed', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const jobTypes = Array.from({ length: 100 }, (_, index) => `${String(index)}-`.padEnd(128, 'é'));
    const { grant } = (
      await post(team, 'add', {
        credits: 1,
        priority: 1000,
        unit_price_usd: 0.000000000001,
        expires_at: '2026-03-10T12:00:00.001Z',
        job_types: jobTypes,
        external_reference: '💳'.repeat(255),
      }).expect(200)
    ).body;
    expect(grant).toMatchObject({ priority: 1000, unit_price_usd: 1e-12, job_types: jobTypes });
  });

  it('are drawn by priority, and only by the jobs they are for', async () => {
    const team = await makeTeam(service, { credits: 2 });
    await post(team, 'add', { credits: 2, priority: -1, job_types: ['analysis'] }).expect(200);
    await post(team, 'add', { credits: 2, priority: -2, starts_at: '2026-03-11' }).expect(200);
    await completeJob(service, team, await makeJob(service, team, 'analysis'));
    await completeJob(service, team, await makeJob(service, team, 'demo'));
    // Newest first: not begun; one analysis; the other job, from what came with the team.
    expect((await listGrants(team)).map((grant) => [grant['credits_remaining'], grant['status']])).toEqual([
      [2, 'scheduled'],
      [1, 'active'],
      [1, 'active'],
    ]);
  });

  it('with a reference are granted once; asked again they show the first grant', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const first = await post(team, 'add', EVERYTHING).expect(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    const again = await post(team, 'add', {
      ...EVERYTHING,
      // The same, said in another way.
      kind: 'PROMOTION',
      job_types: ['summary', 'analysis'],
      starts_at: '2026-03-01',
      expires_at: '2026-04-01T00:00:00Z',
    }).expect(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await remainingOf(team)).toBe(40);
  });

  it.each([
    { credits: 41 },
    { kind: 'allocation' },
    { reason: 'Summer' },
    { reason: null },
    { unit_price_usd: 0.0000002 },
    { unit_price_usd: null },
    { priority: 0 },
    { starts_at: '2026-03-02' },
    { expires_at: null },
    { job_types: ['analysis'] },
    { job_types: ['analysis', 'other'] },
    { job_types: null },
  ])('with a reference that has granted something else than with %j are refused', async (change) => {
    const team = await makeTeam(service, { credits: 0 });
    await post(team, 'add', EVERYTHING).expect(200);
    const answer = await post(team, 'add', { ...EVERYTHING, ...change }).expect(409);
    expect(answer.body.code).toBe('external_reference_conflict');
    expect(await remainingOf(team)).toBe(40);
  });

  it('may have the same reference in two teams', async () => {
    const [one, other] = [await makeTeam(service, { credits: 0 }), await makeTeam(service, { credits: 0 })];
    await post(one, 'add', EVERYTHING).expect(200);
    await post(other, 'add', { credits: 3, external_reference: 'campaign-1' }).expect(200);
    expect([await remainingOf(one), await remainingOf(other)]).toEqual([40, 3]);
  });

  it('of a team to itself have no terms, and show no price', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const add = (body: object) =>
      secondReplica.call('post', `/api/credits/teams/${team.teamId}/add`, { key: team.key, body });
    const { grant } = (await add({ credits: 2, reason: 'Ours', kind: null }).expect(200)).body;
    expect(grant).toMatchObject({ kind: 'allocation', reason: 'Ours' });
    expect(Object.keys(grant as object)).not.toEqual(
      expect.arrayContaining(['unit_price_usd', 'payment_type', 'payment_amount_usd']),
    );
    for (const [name, value] of Object.entries(EVERYTHING)) {
      if (name === 'credits' || name === 'reason') continue;
      const answer = await add({ credits: 2, [name]: value }).expect(403);
      expect([name, answer.body.code]).toEqual([name, 'admin_key_required']);
    }
    expect(await remainingOf(team)).toBe(2);
  });

  it('are listed page by page, to a team without what was paid', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const other = await makeTeam(service, { credits: 7 });
    for (let credits = 1; credits <= 5; credits += 1) {
      await post(team, 'add', { credits, unit_price_usd: 0.5 }).expect(200);
    }
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page = await service
        .call('get', `/api/credits/teams/${team.teamId}/grants`, {
          key: team.key,
          query: { limit: '2', ...(cursor !== null && { cursor }) },
        })
        .expect(200);
      seen.push((page.body.data as { credits: number }[]).map((grant) => grant.credits));
      cursor = page.body.next_cursor as string | null;
    } while (cursor !== null);
    expect(seen).toEqual([[5, 4], [3, 2], [1]]);
    const prices = (grants: Record<string, unknown>[]) =>
      grants.map((grant) => ['unit_price_usd' in grant, 'payment_amount_usd' in grant]);
    expect(prices(await listGrants(team, team.key))).toEqual(Array.from({ length: 5 }, () => [false, false]));
    expect(prices(await listGrants(team))).toEqual(Array.from({ length: 5 }, () => [true, true]));
    await service.call('get', `/api/credits/teams/${other.teamId}/grants`, { key: team.key }).expect(403);
    await service.call('get', '/api/credits/teams/nobody/grants').expect(404);
  });

  it('are scheduled, active, exhausted and expired in turn', async () => {
    clock.set('2026-03-10T12:00:00.000Z');
    const team = await makeTeam(service, { credits: 0 });
    const grant = (terms: object) => post(team, 'add', { credits: 1, ...terms }).expect(200);
    await grant({ starts_at: '2026-03-11', expires_at: '2026-03-13', priority: 1 });
    await grant({ expires_at: '2026-03-12', priority: 0 });
    const statuses = async () => (await listGrants(team)).map((one) => one['status']);
    expect(await statuses()).toEqual(['active', 'scheduled']);
    const jobId = await makeJob(service, team);
    expect(await statuses()).toEqual(['exhausted', 'scheduled']);
    clock.set('2026-03-11T00:00:00.000Z');
    expect(await statuses()).toEqual(['exhausted', 'active']);
    clock.set('2026-03-12T00:00:00.000Z');
    // Used up, whatever its end is; what comes back after its end has run out.
    expect(await statuses()).toEqual(['exhausted', 'active']);
    await completeJob(service, team, jobId, 'failed');
    expect(await statuses()).toEqual(['expired', 'active']);
    clock.set('2026-03-13T00:00:00.000Z');
    expect(await statuses()).toEqual(['expired', 'expired']);
    expect(await listGrants(team)).toMatchObject([
      { credits_remaining: 0, credits_expired: 1 },
      { credits_remaining: 0, credits_expired: 1 },
    ]);
    expect(await remainingOf(team)).toBe(0);
    clock.set('2026-03-10T12:00:00.000Z');
  });

  it('that have run out do not remain in the answer to a completion', async () => {
    for (const status of ['completed', 'failed']) {
      const team = await makeTeam(service, { credits: 2 });
      const jobId = await makeJob(service, team);
      await post(team, 'add', { credits: 5, expires_at: '2026-03-10T13:00:00Z' }).expect(200);
      clock.set('2026-03-10T13:00:00.000Z');
      const answer = await service
        .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } })
        .expect(200);
      clock.set('2026-03-10T12:00:00.000Z');
      // Of 2 + 5, 5 have run out, and the completed job is charged one.
      expect(answer.body.costs.credits_remaining).toBe(status === 'completed' ? 1 : 2);
    }
  });

  describe('of a payment', () => {
    const PAYMENT = {
      credits: 30,
      payment_type: 'subscription',
      payment_amount_usd: 20,
      reason: 'March',
      external_reference: 'evt_1',
    };

    it('have the price of one credit, rounded half up, and what remained before and after', async () => {
      const team = await makeTeam(service, { credits: 7 });
      const answer = await post(team, 'replenish', PAYMENT).expect(200);
      const transaction = {
        transaction_id: expect.any(String),
        job_id: null,
        transaction_type: 'subscription_payment',
        credits_amount: 30,
        credits_before: 7,
        credits_after: 37,
        reason: 'March',
        created_at: '2026-03-10T12:00:00.000Z',
      };
      expect(answer.body).toEqual({
        team_id: team.teamId,
        credits_added: 30,
        credits_before: 7,
        credits_after: 37,
        payment_type: 'subscription',
        payment_amount_usd: 20,
        transaction,
      });
      const list = await service.call('get', `/api/credits/teams/${team.teamId}/transactions`).expect(200);
      expect(list.body.transactions[0]).toEqual(answer.body.transaction);
      // 20 / 30 = 0.6666666666666…
      expect((await listGrants(team))[0]).toMatchObject({
        kind: 'purchase',
        unit_price_usd: 0.666666666667,
        payment_type: 'subscription',
        payment_amount_usd: 20,
        external_reference: 'evt_1',
      });
    });

    it.each([
      [1, 1_000_000_000_000, 0.000000000001],
      // 0.000000000003 / 2 lies in the middle between 1 and 2 of the last decimal.
      [0.000000000003, 2, 0.000000000002],
      [10, 3, 3.333333333333],
      [0, 5, 0],
      [null, 5, null],
    ])('of %p USD for %p credits cost %p each', async (amount, credits, price) => {
      const team = await makeTeam(service, { credits: 0 });
      await post(team, 'replenish', {
        credits,
        payment_type: 'one_time',
        payment_amount_usd: amount,
        external_reference: 'evt',
      }).expect(200);
      expect((await listGrants(team)).map((grant) => grant['unit_price_usd'])).toEqual([price]);
    });

    it('do not count as remaining before what had run out by then', async () => {
      const team = await makeTeam(service, { credits: 2 });
      await post(team, 'add', { credits: 5, expires_at: '2026-03-11' }).expect(200);
      clock.set('2026-03-11T00:00:00.000Z');
      const answer = await post(team, 'replenish', PAYMENT).expect(200);
      clock.set('2026-03-10T12:00:00.000Z');
      expect(answer.body).toMatchObject({ credits_before: 2, credits_after: 32 });
    });

    it('are granted once by 50 parallel deliveries of one event to two replicas, with one body', async () => {
      const team = await makeTeam(service, { credits: 5 });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          post(team, 'replenish', PAYMENT, index % 2 === 0 ? service : secondReplica),
        ),
      );
      expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 50 }, () => 200));
      expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
      expect(answers.filter((answer) => answer.headers['idempotent-replayed'] === 'true')).toHaveLength(49);
      expect(answers[0]!.body).toMatchObject({ credits_before: 5, credits_after: 35 });
      await expectBalance(service, team, { allocated: 35, used: 0, held: 0 });
    });

    it('are answered as at first, whatever has happened since', async () => {
      const team = await makeTeam(service, { credits: 1 });
      const event = { ...PAYMENT, expires_at: '2026-03-11T00:00:00Z' };
      const first = await post(team, 'replenish', event).expect(200);
      await completeJob(service, team, await makeJob(service, team));
      clock.set('2026-03-12T00:00:00.000Z');
      // An event may be delivered again after what it granted has run out.
      const again = await post(team, 'replenish', event).expect(200);
      clock.set('2026-03-10T12:00:00.000Z');
      expect(again.text).toBe(first.text);
      await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
      expect((await post(team, 'replenish', event).expect(200)).text).toBe(first.text);
      expect((await post(team, 'replenish', { ...event, external_reference: 'evt_2' })).body.code).toBe(
        'team_deleted',
      );
    });

    it.each([
      { credits: 31 },
      { payment_type: 'one_time' },
      { payment_amount_usd: 20.01 },
      { payment_amount_usd: null },
      { reason: 'April' },
      { expires_at: '2026-05-01' },
    ])('are refused for an event that has granted something else than with %j', async (change) => {
      const team = await makeTeam(service, { credits: 0 });
      await post(team, 'replenish', PAYMENT).expect(200);
      const answer = await post(team, 'replenish', { ...PAYMENT, ...change }).expect(409);
      expect(answer.body.code).toBe('external_reference_conflict');
      expect(await remainingOf(team)).toBe(30);
    });

    it('need the name of the event, or a key that stands for the request', async () => {
      const team = await makeTeam(service, { credits: 0 });
      for (const reference of [{ external_reference: undefined }, { external_reference: null }]) {
        const answer = await post(team, 'replenish', { ...PAYMENT, ...reference }).expect(422);
        expect(answer.body.errors).toMatchObject([{ field: 'external_reference', code: 'required' }]);
      }
      expect(await remainingOf(team)).toBe(0);
      const { external_reference: _reference, ...unnamed } = PAYMENT;
      await post(team, 'replenish', unnamed).set('idempotency-key', 'a-key-of-the-client').expect(200);
      expect(await remainingOf(team)).toBe(30);
    });

    it.each([
      [{ credits: 0 }, 'credits'],
      [{ credits: 1.5 }, 'credits'],
      [{ payment_type: 'gift' }, 'payment_type'],
      [{ payment_amount_usd: -1 }, 'payment_amount_usd'],
      [{ payment_amount_usd: 1e-13 }, 'payment_amount_usd'],
      [{ expires_at: '2026-03-10T12:00:00Z' }, 'expires_at'],
      [{ kind: 'promotion' }, 'kind'],
    ])('are refused with %j', async (change, field) => {
      const team = await makeTeam(service, { credits: 0 });
      const answer = await post(team, 'replenish', { ...PAYMENT, ...change }).expect(422);
      expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toEqual([field]);
    });
  });

  describe('and an overdraft', () => {
    const setOverdraft = (team: TestTeam, limit: unknown) =>
      service.call('patch', `/api/credits/teams/${team.teamId}/overdraft`, {
        body: { overdraft_limit: limit },
      });

    it('let jobs go below zero, which the next credits cover', async () => {
      const team = await makeTeam(service, { credits: 1 });
      const balance = await setOverdraft(team, 2).expect(200);
      expect(balance.body).toMatchObject({ team_id: team.teamId, credits_available: 1 });
      for (let round = 0; round < 3; round += 1) {
        await completeJob(service, team, await makeJob(service, team));
      }
      await service
        .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } })
        .expect(402);
      // 1 − 3 = −2, and 10 more are 8.
      expect(await remainingOf(team)).toBe(-2);
      const refused = await setOverdraft(team, 1).expect(409);
      expect(refused.body).toMatchObject({ code: 'overdraft_in_use', credits_overdrawn: 2 });
      await post(team, 'add', { credits: 10 }).expect(200);
      expect(await remainingOf(team)).toBe(8);
      expect((await listGrants(team))[0]).toMatchObject({ credits: 10, credits_remaining: 8 });
      await setOverdraft(team, 0).expect(200);
    });

    it.each([-1, 1_000_000_000_001, 0.5, '5', null])('is refused with %p', async (limit) => {
      const team = await makeTeam(service, { credits: 0 });
      const answer = await setOverdraft(team, limit).expect(422);
      expect(answer.body.errors[0].field).toBe('overdraft_limit');
    });

    it('is not given to a team that is deleted or that does not exist', async () => {
      const team = await makeTeam(service, { credits: 0 });
      await setOverdraft(team, 1_000_000_000_000).expect(200);
      await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
      expect((await setOverdraft(team, 5).expect(409)).body.code).toBe('team_deleted');
      await setOverdraft({ ...team, teamId: 'nobody' }, 5).expect(404);
    });
  });
});
