import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BudgetsService } from '../../src/budgets/budgets.service.js';
import type { BudgetTerms, EndingTerms } from '../../src/budgets/budgets.types.js';
import { JobExpiryService } from '../../src/jobs/job-expiry.service.js';
import { query } from '../support/database.js';
import { makeCall, makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

const FAILING_MODEL = 'fault-status-500';

describe('the end of a job', () => {
  const clock = new TestClock();
  let service: TestService;
  let replica: TestService;

  beforeAll(async () => {
    service = await startTestService({ clock });
    replica = await startTestService({ clock, database: service.database });
  });
  afterAll(async () => {
    try {
      expect(await ledgerDifferences(service.database.url)).toEqual([]);
    } finally {
      await replica.stop();
      await service.stop();
    }
  });

  const sweep = (of = service): Promise<number> => of.app.get(JobExpiryService, { strict: false }).sweep();

  const setBudget = (team: TestTeam, change: Partial<BudgetTerms & EndingTerms>) =>
    service.app.get(BudgetsService, { strict: false }).update(team.teamId, change);

  const getJob = async (team: TestTeam, jobId: string): Promise<Record<string, unknown>> =>
    (await service.call('get', `/api/jobs/${jobId}`, { key: team.key }).expect(200)).body as Record<
      string,
      unknown
    >;

  const end = (team: TestTeam, jobId: string, status = 'completed') =>
    service.call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } });

  const costsOf = async (team: TestTeam, jobId: string, status: string): Promise<Record<string, unknown>> =>
    (await end(team, jobId, status).expect(200)).body.costs as Record<string, unknown>;

  const balanceOf = async (team: TestTeam): Promise<Record<string, unknown>> =>
    (await service.call('get', `/api/credits/teams/${team.teamId}/balance`, { key: team.key }).expect(200))
      .body as Record<string, unknown>;

  const holdsOf = (jobId: string) =>
    query<{ number: number; status: string; credits: string; captured: string }>(
      service.database.url,
      'SELECT number, status, credits, captured FROM credit_holds WHERE job_id = $1 ORDER BY number',
      [jobId],
    );

  describe('that nobody touches', () => {
    it('comes 24 hours after its last activity, on one of two replicas, and gives its credit back', async () => {
      const team = await makeTeam(service, { credits: 2 });
      const jobId = await makeJob(service, team);
      clock.advance({ hours: 23, minutes: 59 });
      await makeCall(service, team, jobId);
      clock.advance({ minutes: 1 });
      expect(await sweep()).toBe(0);
      clock.advance({ hours: 23, minutes: 59, ms: -1 });
      expect(await sweep()).toBe(0);
      expect(await getJob(team, jobId)).toMatchObject({ status: 'in_progress' });
      clock.advance({ ms: 1 });
      const ended = await Promise.all([sweep(), sweep(replica), sweep(), sweep(replica)]);
      expect(ended.reduce((total, count) => total + count)).toBe(1);
      expect(await getJob(team, jobId)).toMatchObject({
        status: 'expired',
        credits_held: 0,
        credits_charged: 0,
        charge_rule: 'trusted',
        expires_at: null,
        completed_at: clock.now().toISOString(),
      });
      expect(await balanceOf(team)).toMatchObject({ credits_held: 0, credits_available: 2 });
    });

    it('does not come while a call of it is running', async () => {
      const team = await makeTeam(service, { groups: [['fault-delay-1500']] });
      const jobId = await makeJob(service, team);
      const served = service.sandbox.servedCount('fault-delay-1500');
      const call = service
        .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
        .then((answer) => answer.status);
      while (service.sandbox.servedCount('fault-delay-1500') === served) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      clock.advance({ days: 2 });
      expect(await sweep()).toBe(0);
      expect(await call).toBe(200);
      // Its end was an activity.
      expect(await sweep()).toBe(0);
      expect(await getJob(team, jobId)).toMatchObject({ status: 'in_progress' });
    });

    it('comes after the time to live of its type', async () => {
      const team = await makeTeam(service);
      await query(
        service.database.url,
        `INSERT INTO job_type_terms (team_id, job_type, time_to_live_ms, updated_at) VALUES ($1, 'chat', 60000, now())`,
        [team.teamId],
      );
      const [chat, other] = [await makeJob(service, team, 'chat'), await makeJob(service, team, 'other')];
      clock.advance({ minutes: 1 });
      expect(await sweep()).toBe(1);
      expect(await getJob(team, chat)).toMatchObject({ status: 'expired' });
      expect(await getJob(team, other)).toMatchObject({ status: 'pending' });
    });

    it('can be undone by completing it, with a hold of its own, once and for all', async () => {
      const team = await makeTeam(service, { credits: 1 });
      const jobId = await makeJob(service, team);
      clock.advance({ days: 1 });
      await sweep();
      const inBetween = await makeJob(service, team);
      const refused = await end(team, jobId).expect(402);
      expect(refused.body).toMatchObject({ code: 'insufficient_credits', credits_required: 1 });
      expect(await getJob(team, jobId)).toMatchObject({ status: 'expired' });
      await end(team, jobId, 'failed').expect(409);
      await end(team, inBetween, 'cancelled').expect(200);

      const answers = await Promise.all(Array.from({ length: 10 }, () => end(team, jobId).expect(200)));
      expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
      expect(answers[0]?.body.costs).toMatchObject({
        credits_charged: 1,
        charge_rule: 'completed',
        credits_remaining: 0,
      });
      expect(await holdsOf(jobId)).toEqual([
        { number: 1, status: 'released', credits: '1', captured: '0' },
        { number: 2, status: 'captured', credits: '1', captured: '1' },
      ]);
    });

    it('is charged where the team is observed, and completing it then costs nothing more', async () => {
      const team = await makeTeam(service, { credits: 1 });
      await setBudget(team, { fairOutcome: 'server_observed' });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      clock.advance({ days: 1 });
      await sweep();
      expect(await getJob(team, jobId)).toMatchObject({ status: 'expired', credits_charged: 1 });
      expect(await costsOf(team, jobId, 'completed')).toMatchObject({
        credits_charged: 1,
        charge_rule: 'completed',
      });
      expect(await balanceOf(team)).toMatchObject({ credits_used: 1, credits_remaining: 0 });
      expect(await holdsOf(jobId)).toHaveLength(1);
    });
  });

  describe('that is not a success', () => {
    it.each(['failed', 'cancelled'])('is free of a team that is trusted: %s', async (status) => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      expect(await costsOf(team, jobId, status)).toMatchObject({
        credit_applied: false,
        charge_rule: 'trusted',
      });
    });

    it.each(['failed', 'cancelled'])(
      'is free of a team that is observed only if a call has failed, or none was made: %s',
      async (status) => {
        const team = await makeTeam(service, { groups: [['gpt-4o-mini'], [FAILING_MODEL]] });
        await setBudget(team, { fairOutcome: 'server_observed' });
        const call = (jobId: string, group: number) =>
          service.call('post', `/api/jobs/${jobId}/llm-call`, {
            key: team.key,
            body: { messages: MESSAGES, model_group: team.groups[group] },
          });
        const untouched = await makeJob(service, team);
        expect(await costsOf(team, untouched, status)).toMatchObject({ credits_charged: 0 });

        const unlucky = await makeJob(service, team);
        await call(unlucky, 0).expect(200);
        await call(unlucky, 1).expect(502);
        expect(await costsOf(team, unlucky, status)).toMatchObject({ credits_charged: 0 });

        const used = await makeJob(service, team);
        await call(used, 0).expect(200);
        expect(await costsOf(team, used, status)).toMatchObject({
          credit_applied: true,
          credits_charged: 1,
          charge_rule: 'server_observed',
        });
      },
    );

    it('takes from an allowance, of which parallel endings cannot take more than there is', async () => {
      const team = await makeTeam(service, { credits: 20 });
      await setBudget(team, { fairOutcome: 'allowance', freeEndings: 3, freeEndingsWindowDays: 7 });
      const jobs: string[] = [];
      for (let index = 0; index < 10; index += 1) {
        const jobId = await makeJob(service, team);
        await makeCall(service, team, jobId);
        jobs.push(jobId);
      }
      const charges = await Promise.all(jobs.map((jobId) => costsOf(team, jobId, 'failed')));
      expect(charges.filter((costs) => costs['credits_charged'] === 0)).toHaveLength(3);
      expect(charges.filter((costs) => costs['credits_charged'] === 1)).toHaveLength(7);
      expect(new Set(charges.map((costs) => costs['charge_rule']))).toEqual(new Set(['allowance']));

      // Without a successful call nothing of it is used; another type of job has an allowance of its own.
      expect(await costsOf(team, await makeJob(service, team), 'failed')).toMatchObject({
        credits_charged: 0,
      });
      const other = await makeJob(service, team, 'other');
      await makeCall(service, team, other);
      expect(await costsOf(team, other, 'failed')).toMatchObject({ credits_charged: 0 });

      // The window rolls: 7 days after the three, three more are free.
      clock.advance({ days: 7 });
      for (const expected of [0, 0, 0, 1]) {
        const jobId = await makeJob(service, team);
        await makeCall(service, team, jobId);
        expect(await costsOf(team, jobId, 'cancelled')).toMatchObject({ credits_charged: expected });
      }
    });

    it('takes from an allowance while a call is running, whose answer is still to come', async () => {
      const slow = 'fault-delay-4000';
      const team = await makeTeam(service, { credits: 20, groups: [[slow]] });
      await setBudget(team, { fairOutcome: 'allowance', freeEndings: 1, freeEndingsWindowDays: 7 });
      const jobs = [await makeJob(service, team), await makeJob(service, team), await makeJob(service, team)];
      const served = service.sandbox.servedCount(slow);
      const calls = jobs.map((jobId) =>
        service
          .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
          .then((answer) => answer.status),
      );
      while (service.sandbox.servedCount(slow) < served + 3) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const charges = [];
      for (const jobId of jobs) charges.push(await costsOf(team, jobId, 'cancelled'));
      expect(charges.map((costs) => costs['successful_calls'])).toEqual([0, 0, 0]);
      expect(charges.map((costs) => costs['credits_charged'])).toEqual([0, 1, 1]);
      expect(await Promise.all(calls)).toEqual([200, 200, 200]);
    });

    it('leaves the allowance alone once the call that was running has failed', async () => {
      const slow = 'fault-delay-4000+status-500';
      const team = await makeTeam(service, { credits: 20, groups: [[slow]] });
      await setBudget(team, { fairOutcome: 'allowance', freeEndings: 1, freeEndingsWindowDays: 7 });
      const endWhileRunning = async (): Promise<unknown> => {
        const jobId = await makeJob(service, team);
        const served = service.sandbox.servedCount(slow);
        const call = service
          .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
          .then((answer) => answer.status);
        while (service.sandbox.servedCount(slow) === served) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const costs = await costsOf(team, jobId, 'cancelled');
        expect(await call).toBe(502);
        return costs['credits_charged'];
      };
      expect([await endWhileRunning(), await endWhileRunning()]).toEqual([0, 0]);
    });
  });

  describe('where credits buy consumption', () => {
    /** A team whose calls cost exactly this much. */
    const makeSpender = async (costUsd: string, credits: number): Promise<TestTeam> => {
      const team = await makeTeam(service, { credits, groups: [[`fault-cost-${costUsd}`]] });
      await setBudget(team, { budgetMode: 'consumption_usd', creditsPerDollar: '10' });
      return team;
    };

    it.each([
      ['0.152', 2],
      ['0.01', 1],
      ['0.1', 1],
      ['0.100000000001', 2],
      ['0', 1],
    ])(
      'costs what it used, rounded up, at least 1: %s USD at 10 a dollar is %d',
      async (costUsd, credits) => {
        const team = await makeSpender(costUsd, 10);
        const jobId = await makeJob(service, team);
        await makeCall(service, team, jobId);
        expect(await costsOf(team, jobId, 'completed')).toMatchObject({
          credits_charged: credits,
          credits_shortfall: 0,
          credits_remaining: 10 - credits,
        });
      },
    );

    it('takes what is there and leaves the rest due before the next job', async () => {
      const team = await makeSpender('0.55', 4);
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      // 5.5 credits: 6 are due and 4 are there.
      expect(await costsOf(team, jobId, 'completed')).toMatchObject({
        credits_charged: 4,
        credits_shortfall: 2,
        credits_remaining: 0,
      });
      const create = () =>
        service.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } });
      const add = (credits: number) =>
        service.call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits } }).expect(200);
      expect((await create().expect(402)).body).toMatchObject({ credits_required: 3, credits_available: 0 });
      await add(2);
      expect((await create().expect(402)).body).toMatchObject({ credits_required: 1, credits_available: 0 });
      await add(1);
      await create().expect(200);
      expect(await balanceOf(team)).toMatchObject({ credits_used: 6, credits_held: 1, credits_available: 0 });
    });

    it('charges a call that ends later a second time, by what the whole job comes to', async () => {
      const team = await makeTeam(service, {
        credits: 10,
        groups: [['fault-cost-0.12'], ['fault-delay-1500+cost-0.11']],
      });
      await setBudget(team, { budgetMode: 'consumption_usd', creditsPerDollar: '10' });
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      const slow = 'fault-delay-1500+cost-0.11';
      const served = service.sandbox.servedCount(slow);
      const late = service
        .call('post', `/api/jobs/${jobId}/llm-call`, {
          key: team.key,
          body: { messages: MESSAGES, model_group: team.groups[1] },
        })
        .then((answer) => answer.status);
      while (service.sandbox.servedCount(slow) === served) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      // 0.12 USD are 1.2 credits: 2.
      const first = await end(team, jobId).expect(200);
      expect(first.body.costs).toMatchObject({ credits_charged: 2, credits_remaining: 8 });
      expect(await late).toBe(200);
      // 0.23 USD are 2.3 credits: 3, of which 2 are charged. By itself the call would be 2 more.
      expect(await getJob(team, jobId)).toMatchObject({ status: 'completed', credits_charged: 3 });
      expect(await balanceOf(team)).toMatchObject({ credits_used: 3, credits_remaining: 7 });
      const transfers = await query<{ kind: string; credits: string; has_call: boolean }>(
        service.database.url,
        `SELECT transfers.kind, transfers.credits, call_id IS NOT NULL AS has_call
           FROM credit_transfers transfers JOIN credit_holds USING (hold_id) WHERE job_id = $1 ORDER BY sequence`,
        [jobId],
      );
      expect(transfers).toEqual([
        { kind: 'hold', credits: '1', has_call: false },
        { kind: 'capture', credits: '1', has_call: false },
        { kind: 'overage', credits: '1', has_call: false },
        { kind: 'overage', credits: '1', has_call: true },
      ]);
      const again = await end(team, jobId).expect(200);
      expect(again.text).toBe(first.text);
    });

    it('keeps the terms under which the job was created', async () => {
      const team = await makeSpender('0.152', 10);
      const jobId = await makeJob(service, team);
      await setBudget(team, { budgetMode: 'job_based' });
      await makeCall(service, team, jobId);
      expect(await costsOf(team, jobId, 'completed')).toMatchObject({ credits_charged: 2 });
    });
  });
});
