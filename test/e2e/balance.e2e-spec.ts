import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { query } from '../support/database.js';
import { completeJob, makeCall, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, MASTER_KEY, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

describe('the balance of a team', () => {
  const clock = new TestClock();
  let service: TestService;

  beforeAll(async () => {
    clock.set('2026-11-24T09:00:00Z');
    service = await startTestService({ clock });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });
  beforeEach(() => {
    clock.set('2026-11-24T09:00:00Z');
  });

  const ask = (team: TestTeam, options: { key?: string; as_of?: string } = {}) =>
    service.call('get', `/api/credits/teams/${team.teamId}/balance`, {
      key: options.key ?? MASTER_KEY,
      query: options.as_of === undefined ? {} : { as_of: options.as_of },
    });
  const balance = async (team: TestTeam, options: { key?: string; as_of?: string } = {}) =>
    (await ask(team, options).expect(200)).body as Record<string, unknown>;
  const add = (team: TestTeam, credits: number) =>
    service.call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits } }).expect(200);

  it('tells of the team, of what its credits buy and of its refills', async () => {
    const team = await makeTeam(service, { credits: 10 });
    await makeJob(service, team);
    expect(await balance(team, { key: team.key })).toEqual({
      team_id: team.teamId,
      organization_id: team.organizationId,
      status: 'active',
      credits_allocated: 10,
      credits_used: 0,
      credits_remaining: 10,
      credits_held: 1,
      credits_available: 9,
      credits_expired: 0,
      credits_shortfall: 0,
      overdraft_limit: 0,
      budget_mode: 'job_based',
      credits_per_dollar: 10,
      tokens_per_credit: 10_000,
      auto_refill: false,
      refill_amount: null,
      refill_period: null,
      last_refill_at: null,
    });
    await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
    await service
      .call('post', `/api/credits/teams/${team.teamId}/configure-auto-refill`, {
        body: { enabled: true, refill_amount: 5, refill_period: 'weekly' },
      })
      .expect(200);
    await service
      .call('patch', `/api/credits/teams/${team.teamId}/budget-mode`, {
        body: { budget_mode: 'consumption_tokens', credits_per_dollar: 2.5, tokens_per_credit: 7 },
      })
      .expect(200);
    expect(await balance(team)).toMatchObject({
      status: 'suspended',
      credits_allocated: 15,
      budget_mode: 'consumption_tokens',
      credits_per_dollar: 2.5,
      tokens_per_credit: 7,
      auto_refill: true,
      refill_amount: 5,
      refill_period: 'weekly',
      last_refill_at: '2026-11-24T09:00:00.000Z',
    });
  });

  it('hides the rate from which costs could be worked out where the team does not see costs', async () => {
    const team = await makeTeam(service, { costVisibility: 'none' });
    expect(await balance(team, { key: team.key })).not.toHaveProperty('credits_per_dollar');
    expect(await balance(team)).toMatchObject({ credits_per_dollar: 10 });
    const seen = await service.call('get', `/api/teams/${team.teamId}`, { key: team.key }).expect(200);
    expect(seen.body).not.toHaveProperty('credits_per_dollar');
    expect((await service.call('get', `/api/teams/${team.teamId}`).expect(200)).body).toMatchObject({
      credits_per_dollar: 10,
    });
    const visible = await makeTeam(service);
    expect(await balance(visible, { key: visible.key })).toMatchObject({ credits_per_dollar: 10 });
  });

  it('is that of any instant that is over, to the millisecond', async () => {
    const team = await makeTeam(service, { credits: 10 });
    clock.set('2026-11-24T10:00:00Z');
    const first = await makeJob(service, team);
    const second = await makeJob(service, team);
    clock.set('2026-11-24T11:00:00Z');
    await completeJob(service, team, first);
    clock.set('2026-11-24T12:00:00Z');
    await completeJob(service, team, second, 'failed');
    await add(team, 5);

    const at = async (as_of: string) => {
      const { credits_allocated, credits_used, credits_held, credits_available, credits_remaining } =
        await balance(team, { key: team.key, as_of });
      return [credits_allocated, credits_used, credits_held, credits_available, credits_remaining];
    };
    expect(await at('2026-11-24T08:59:59.999Z')).toEqual([0, 0, 0, 0, 0]);
    expect(await at('2026-11-24T09:00:00.000Z')).toEqual([10, 0, 0, 10, 10]);
    expect(await at('2026-11-24T09:59:59.999Z')).toEqual([10, 0, 0, 10, 10]);
    expect(await at('2026-11-24T10:00:00.000Z')).toEqual([10, 0, 2, 8, 10]);
    expect(await at('2026-11-24T12:00:00+01:00')).toEqual([10, 1, 1, 8, 9]);
    expect(await at('2026-11-24T12:00:00Z')).toEqual([15, 1, 0, 14, 14]);
    expect(await at('2026-11-24')).toEqual([0, 0, 0, 0, 0]);
    const now = await balance(team);
    const { credits_shortfall, overdraft_limit, ...rest } = now;
    expect([credits_shortfall, overdraft_limit]).toEqual([0, 0]);
    expect(await balance(team, { as_of: '2026-11-24T12:00:00Z' })).toEqual(rest);
  });

  it('of an instant is not asked of the future, nor of what is none', async () => {
    const team = await makeTeam(service);
    await ask(team, { as_of: '2026-11-24T09:00:00Z' }).expect(200);
    const future = await ask(team, { as_of: '2026-11-24T09:00:00.001Z' }).expect(422);
    expect(future.body.errors).toMatchObject([{ field: 'as_of', code: 'in_future' }]);
    for (const as_of of ['yesterday', '2026-02-30', '2026-11-24T09:00:00', '']) {
      const refused = await ask(team, { as_of }).expect(422);
      expect(refused.body.errors).toMatchObject([{ field: 'as_of', code: 'is_instant' }]);
    }
    await service
      .call('get', '/api/credits/teams/no-such-team/balance', { query: { as_of: '2026-01-01' } })
      .expect(404);
  });

  it('of an instant waits for what has its time already and is not there yet', async () => {
    const team = await makeTeam(service, { credits: 10 });
    const writer = new Client({ connectionString: service.database.url });
    await writer.connect();
    try {
      await writer.query('BEGIN');
      await writer.query('SELECT 1 FROM credit_accounts WHERE team_id = $1 FOR NO KEY UPDATE', [team.teamId]);
      let isAnswered = false;
      const asked = balance(team, { as_of: '2026-11-24T09:00:00Z' }).then((body) => {
        isAnswered = true;
        return body;
      });
      for (let waiting = 0; waiting === 0;) {
        const rows = await query<{ waiting: number }>(
          service.database.url,
          `SELECT count(*)::int AS waiting FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        waiting = rows[0]!.waiting;
      }
      expect(isAnswered).toBe(false);
      await writer.query('COMMIT');
      expect((await asked)['credits_allocated']).toBe(10);
    } finally {
      await writer.end();
    }
  });

  it('tells what a team is short of, as what it has used grows', async () => {
    const team = await makeTeam(service, { credits: 1, groups: [['fault-cost-0.3']] });
    await service
      .call('patch', `/api/credits/teams/${team.teamId}/budget-mode`, {
        body: { budget_mode: 'consumption_usd' },
      })
      .expect(200);
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    await completeJob(service, team, jobId);
    // 0.3 × 10 = 3, of which 1 was there.
    expect(await balance(team)).toMatchObject({
      credits_used: 1,
      credits_available: 0,
      credits_shortfall: 2,
    });
    await add(team, 5);
    expect(await balance(team)).toMatchObject({
      credits_used: 3,
      credits_available: 3,
      credits_shortfall: 0,
    });
  });
});
