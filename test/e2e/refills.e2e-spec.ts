import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RefillSweepService } from '../../src/refills/refill-sweep.service.js';
import { query } from '../support/database.js';
import { expectBalance, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

describe('refills', () => {
  const clock = new TestClock();
  let service: TestService;
  let replica: TestService;

  beforeAll(async () => {
    clock.set('2026-11-24T09:30:00Z');
    service = await startTestService({ clock });
    replica = await startTestService({ clock, database: service.database });
    // Their timers would sweep in the middle of a test that counts sweeps.
    for (const sweep of sweeps()) await sweep.onApplicationShutdown();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await replica.stop();
    await service.stop();
  });

  // A Tuesday, of week 48.
  beforeEach(() => {
    clock.set('2026-11-24T09:30:00Z');
  });

  const sweeps = () => [service, replica].map(({ app }) => app.get(RefillSweepService, { strict: false }));
  const configure = (team: TestTeam, body: object) =>
    service.call('post', `/api/credits/teams/${team.teamId}/configure-auto-refill`, { body });

  /** Every replica at once, as often as its timer might. */
  async function sweepEverywhere(): Promise<void> {
    await Promise.all([...sweeps(), ...sweeps()].map((sweep) => sweep.sweep()));
  }

  async function referencesOf(team: TestTeam): Promise<string[]> {
    const rows = await query<{ external_reference: string }>(
      service.database.url,
      `SELECT external_reference FROM credit_grants WHERE team_id = $1 AND kind = 'refill' ORDER BY grant_id`,
      [team.teamId],
    );
    return rows.map((row) => row.external_reference);
  }

  it('are off at first', async () => {
    const team = await makeTeam(service);
    const answer = await service
      .call('get', `/api/credits/teams/${team.teamId}/auto-refill`, { key: team.key })
      .expect(200);
    expect(answer.body).toEqual({
      team_id: team.teamId,
      enabled: false,
      refill_amount: null,
      refill_period: null,
      refill_threshold: null,
      monthly_ceiling: null,
      refilled_this_month: 0,
      last_refill_at: null,
    });
  });

  it('are made at once where they are configured, and once in the period', async () => {
    const team = await makeTeam(service, { credits: 5 });
    const answer = await configure(team, {
      enabled: true,
      refill_amount: 100,
      refill_period: 'MONTHLY',
    }).expect(200);
    expect(answer.body).toEqual({
      team_id: team.teamId,
      enabled: true,
      refill_amount: 100,
      refill_period: 'monthly',
      refill_threshold: null,
      monthly_ceiling: null,
      refilled_this_month: 100,
      last_refill_at: '2026-11-24T09:30:00.000Z',
    });
    await expectBalance(service, team, { allocated: 105, used: 0, held: 0 });
    await sweepEverywhere();
    clock.set('2026-11-30T23:59:59.999Z');
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual(['refill:monthly:2026-11']);
    const transactions = await service
      .call('get', `/api/credits/teams/${team.teamId}/transactions`, { key: team.key })
      .expect(200);
    expect(transactions.body.transactions[0]).toMatchObject({
      transaction_type: 'allocation',
      credits_amount: 100,
      credits_before: 5,
      credits_after: 105,
      reason: 'Automatic monthly refill, 2026-11',
    });
  });

  it('are made once when a month begins, by any number of replicas', async () => {
    const teams = await Promise.all(Array.from({ length: 5 }, () => makeTeam(service, { credits: 0 })));
    for (const team of teams) {
      await configure(team, { enabled: true, refill_amount: 10, refill_period: 'monthly' }).expect(200);
    }
    clock.set('2026-12-01T00:00:00Z');
    await sweepEverywhere();
    await sweepEverywhere();
    for (const team of teams) {
      expect(await referencesOf(team)).toEqual(['refill:monthly:2026-11', 'refill:monthly:2026-12']);
      await expectBalance(service, team, { allocated: 20, used: 0, held: 0 });
    }
  });

  it.each([
    ['daily', '2026-11-24T23:59:59.999Z', '2026-11-25T00:00:00Z', '2026-11-24', '2026-11-25'],
    ['weekly', '2026-11-29T23:59:59.999Z', '2026-11-30T00:00:00Z', '2026-W48', '2026-W49'],
  ])('are made %s by the calendar of UTC', async (period, last, first, key, next) => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 10, refill_period: period }).expect(200);
    clock.set(last);
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual([`refill:${period}:${key}`]);
    clock.set(first);
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual([`refill:${period}:${key}`, `refill:${period}:${next}`]);
  });

  it('are made by a service that starts', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    clock.advance({ days: 1 });
    const late = await startTestService({ clock, database: service.database });
    // Waits for the sweep that has begun.
    await late.stop();
    expect(await referencesOf(team)).toEqual(['refill:daily:2026-11-24', 'refill:daily:2026-11-25']);
  });

  it('are not made up for periods in which nothing ran', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    clock.advance({ days: 10 });
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual(['refill:daily:2026-11-24', 'refill:daily:2026-12-04']);
  });

  it('do not begin anew when they are switched off and on, and with another amount', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 10, refill_period: 'monthly' }).expect(200);
    await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    await configure(team, { enabled: false }).expect(200);
    for (const refill_amount of [10, 70]) {
      for (const refill_period of ['monthly', 'daily', 'monthly']) {
        await configure(team, { enabled: true, refill_amount, refill_period }).expect(200);
        await sweepEverywhere();
      }
    }
    expect(await referencesOf(team)).toEqual(['refill:monthly:2026-11', 'refill:daily:2026-11-24']);
    await expectBalance(service, team, { allocated: 20, used: 0, held: 0 });
    const settings = await service.call('get', `/api/credits/teams/${team.teamId}/auto-refill`).expect(200);
    expect(settings.body).toMatchObject({ refill_amount: 70, refilled_this_month: 20 });
  });

  it('are made below the threshold, as often as it takes, and not at it', async () => {
    const team = await makeTeam(service, { credits: 21 });
    await configure(team, { enabled: true, refill_amount: 5, refill_threshold: 20 }).expect(200);
    await sweepEverywhere();
    await makeJob(service, team);
    // 20 are available: not below it.
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual([]);
    await makeJob(service, team);
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual(['refill:threshold:1']);
    // 19 + 5, of which jobs hold 2.
    await expectBalance(service, team, { allocated: 26, used: 0, held: 2 });
    for (let job = 0; job < 5; job += 1) await makeJob(service, team);
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual(['refill:threshold:1', 'refill:threshold:2']);
    // 24 − 5 + 5
    await expectBalance(service, team, { allocated: 31, used: 0, held: 7 });
  });

  it('below the threshold go on at the next sweep where one was not enough', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 4, refill_threshold: 10 }).expect(200);
    const sweep = service.app.get(RefillSweepService, { strict: false });
    for (const allocated of [4, 8, 12, 12]) {
      await expectBalance(service, team, { allocated, used: 0, held: 0 });
      await sweep.sweep();
    }
  });

  it('never exceed the ceiling of a month, by the calendar and below the threshold together', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, {
      enabled: true,
      refill_amount: 40,
      refill_period: 'daily',
      refill_threshold: 1_000,
      monthly_ceiling: 100,
    }).expect(200);
    for (let sweep = 0; sweep < 4; sweep += 1) await sweepEverywhere();
    // A third one would make 120.
    expect(await referencesOf(team)).toEqual(['refill:daily:2026-11-24', 'refill:threshold:1']);
    clock.set('2026-11-30T12:00:00Z');
    await sweepEverywhere();
    await expectBalance(service, team, { allocated: 80, used: 0, held: 0 });
    clock.set('2026-12-01T00:00:00Z');
    for (let sweep = 0; sweep < 4; sweep += 1) await sweepEverywhere();
    await expectBalance(service, team, { allocated: 160, used: 0, held: 0 });
    expect(await referencesOf(team)).toEqual([
      'refill:daily:2026-11-24',
      'refill:threshold:1',
      'refill:daily:2026-12-01',
      'refill:threshold:2',
    ]);
  });

  it('that waited for the ceiling are made once it is raised', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const terms = { enabled: true, refill_amount: 40, refill_period: 'daily' };
    await configure(team, { ...terms, monthly_ceiling: 79 }).expect(200);
    clock.advance({ days: 1 });
    await sweepEverywhere();
    await expectBalance(service, team, { allocated: 40, used: 0, held: 0 });
    await configure(team, { ...terms, monthly_ceiling: 80 }).expect(200);
    await expectBalance(service, team, { allocated: 80, used: 0, held: 0 });
    // Lower than what was granted: nothing is taken back, and nothing comes.
    await configure(team, { ...terms, monthly_ceiling: 40 }).expect(200);
    clock.advance({ days: 1 });
    await sweepEverywhere();
    await expectBalance(service, team, { allocated: 80, used: 0, held: 0 });
  });

  it('are not made where they are off', async () => {
    const team = await makeTeam(service, { credits: 0 });
    await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    await configure(team, { enabled: false, refill_amount: 10, refill_period: 'daily' }).expect(200);
    clock.advance({ days: 40 });
    await sweepEverywhere();
    expect(await referencesOf(team)).toEqual(['refill:daily:2026-11-24']);
  });

  it('are made for a suspended team, and not for a deleted one', async () => {
    const suspended = await makeTeam(service, { credits: 0 });
    const deleted = await makeTeam(service, { credits: 0 });
    for (const team of [suspended, deleted]) {
      await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    }
    await service.call('put', `/api/teams/${suspended.teamId}/suspend`).expect(200);
    await service.call('delete', `/api/teams/${deleted.teamId}`).expect(200);
    clock.advance({ days: 1 });
    await sweepEverywhere();
    expect(await referencesOf(suspended)).toHaveLength(2);
    expect(await referencesOf(deleted)).toHaveLength(1);
    const settings = await service
      .call('get', `/api/credits/teams/${deleted.teamId}/auto-refill`)
      .expect(200);
    expect(settings.body.enabled).toBe(false);
    const refused = await configure(deleted, {
      enabled: true,
      refill_amount: 10,
      refill_period: 'daily',
    }).expect(409);
    expect(refused.body.code).toBe('team_deleted');
  });

  it('of one team that cannot be made do not keep the others waiting', async () => {
    const full = await makeTeam(service, { credits: 0 });
    const other = await makeTeam(service, { credits: 0 });
    // One credit short of what JSON can carry; grants have a limit of their own.
    await query(
      service.database.url,
      `UPDATE credit_accounts SET issued = -9007199254740990, expired = 9007199254740990 WHERE team_id = $1`,
      [full.teamId],
    );
    for (const team of [full, other]) {
      await configure(team, { enabled: true, refill_amount: 10, refill_period: 'daily' }).expect(200);
    }
    clock.advance({ days: 1 });
    await sweepEverywhere();
    expect(await referencesOf(full)).toEqual([]);
    expect(await referencesOf(other)).toHaveLength(2);
    await query(
      service.database.url,
      `UPDATE credit_accounts SET issued = 0, expired = 0 WHERE team_id = $1`,
      [full.teamId],
    );
    await sweepEverywhere();
    expect(await referencesOf(full)).toHaveLength(1);
  });

  it('are made once for a request that is sent twice with one Idempotency-Key', async () => {
    const team = await makeTeam(service, { credits: 0 });
    const body = { enabled: true, refill_amount: 10, refill_threshold: 100 };
    const first = await configure(team, body).set('idempotency-key', 'refill-1').expect(200);
    const second = await configure(team, body).set('idempotency-key', 'refill-1').expect(200);
    expect(second.text).toBe(first.text);
    expect(first.body.refilled_this_month).toBe(10);
    expect(await referencesOf(team)).toEqual(['refill:threshold:1']);
  });

  it('pay what jobs were short of first', async () => {
    const team = await makeTeam(service, { credits: 1, groups: [['fault-cost-0.5']] });
    await service
      .call('patch', `/api/credits/teams/${team.teamId}/budget-mode`, {
        body: { budget_mode: 'consumption_usd', credits_per_dollar: 10 },
      })
      .expect(200);
    const jobId = await makeJob(service, team);
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        key: team.key,
        body: { messages: [{ role: 'user', content: 'Hello' }] },
      })
      .expect(200);
    const ended = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    // 0.5 × 10 = 5, of which 1 was there.
    expect(ended.body.costs).toMatchObject({ credits_charged: 1, credits_shortfall: 4 });
    await configure(team, { enabled: true, refill_amount: 10, refill_threshold: 1 }).expect(200);
    await expectBalance(service, team, { allocated: 11, used: 5, held: 0 });
  });

  it.each([
    [{ enabled: true, refill_period: 'monthly' }, 'refill_amount', 'needs_refill_amount'],
    [{ enabled: true, refill_amount: 5 }, 'refill_period', 'needs_refill_condition'],
    [
      { enabled: true, refill_amount: 5, refill_period: 'daily', monthly_ceiling: 4 },
      'monthly_ceiling',
      'below_refill_amount',
    ],
    [{ enabled: true, refill_amount: 0, refill_period: 'daily' }, 'refill_amount', 'min'],
    [{ enabled: true, refill_amount: 1.5, refill_period: 'daily' }, 'refill_amount', 'is_int'],
    [{ enabled: true, refill_amount: 5, refill_period: 'yearly' }, 'refill_period', 'is_in'],
    [{ refill_amount: 5 }, 'enabled', 'is_boolean'],
  ])('are refused by the terms %j', async (body, field, code) => {
    const team = await makeTeam(service, { credits: 0 });
    const refused = await configure(team, body).expect(422);
    expect(refused.body.errors).toMatchObject([{ field, code }]);
    expect(await referencesOf(team)).toEqual([]);
  });

  it('are configured for a team that is there, by the admin', async () => {
    const team = await makeTeam(service);
    const path = (teamId: string) => `/api/credits/teams/${teamId}/configure-auto-refill`;
    const body = { enabled: false };
    const missing = await service.call('post', path('no-such-team'), { body }).expect(404);
    expect(missing.body.code).toBe('team_not_found');
    await service.call('post', path(team.teamId), { key: team.key, body }).expect(403);
    await service.call('get', '/api/credits/teams/no-such-team/auto-refill').expect(404);
  });
});
