import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { query } from '../support/database.js';
import { completeJob, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

describe('refunds', () => {
  let service: TestService;
  let secondReplica: TestService;
  const clock = new TestClock(new Date('2026-03-10T12:00:00.000Z'));

  beforeAll(async () => {
    service = await startTestService({ clock });
    secondReplica = await startTestService({ clock, database: service.database });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await secondReplica.stop();
    await service.stop();
  });

  /** A team whose jobs of the type `dear` cost 5 credits. */
  async function makeRichTeam(credits: number): Promise<TestTeam> {
    const team = await makeTeam(service, { credits });
    await query(
      service.database.url,
      `INSERT INTO job_type_terms (team_id, job_type, credits_per_job, updated_at) VALUES ($1, 'dear', 5, now())`,
      [team.teamId],
    );
    return team;
  }

  async function chargeJob(team: TestTeam): Promise<string> {
    const jobId = await makeJob(service, team, 'dear');
    await completeJob(service, team, jobId);
    return jobId;
  }

  const refund = (team: TestTeam, body: object, on = service) =>
    on.call('post', `/api/credits/teams/${team.teamId}/refund`, { body });
  const balanceOf = async (team: TestTeam) => {
    const { body } = await service.call('get', `/api/credits/teams/${team.teamId}/balance`).expect(200);
    return [body.credits_allocated, body.credits_used, body.credits_remaining] as number[];
  };
  const listTransactions = async (team: TestTeam) => {
    const { body } = await service.call('get', `/api/credits/teams/${team.teamId}/transactions`).expect(200);
    return (body.transactions as Record<string, unknown>[]).map((one) => [
      one['transaction_type'],
      one['credits_amount'],
      one['credits_before'],
      one['credits_after'],
      one['reason'],
    ]);
  };

  it('give back the whole charge where nothing else is said', async () => {
    const team = await makeRichTeam(20);
    const jobId = await chargeJob(team);
    const answer = await refund(team, { job_id: jobId.toUpperCase(), reason: 'Useless' }).expect(200);
    expect(answer.body).toEqual({
      refund_id: expect.any(String),
      team_id: team.teamId,
      job_id: jobId,
      credits_refunded: 5,
      credits_before: 15,
      credits_after: 20,
      transaction: {
        transaction_id: expect.any(String),
        job_id: jobId,
        transaction_type: 'refund',
        credits_amount: 5,
        credits_before: 15,
        credits_after: 20,
        reason: 'Useless',
        created_at: '2026-03-10T12:00:00.000Z',
      },
    });
    expect(await balanceOf(team)).toEqual([20, 0, 20]);
  });

  it('give back parts, up to the charge and no more', async () => {
    const team = await makeRichTeam(20);
    const jobId = await chargeJob(team);
    await refund(team, { job_id: jobId, credits: 1 }).expect(200);
    await refund(team, { job_id: jobId, credits: 3, reason: null }).expect(200);
    const tooMuch = await refund(team, { job_id: jobId, credits: 2 }).expect(409);
    expect(tooMuch.body).toMatchObject({ code: 'refund_exceeds_charge', credits_refundable: 1 });
    expect((await refund(team, { job_id: jobId }).expect(200)).body.credits_refunded).toBe(1);
    const nothingLeft = await refund(team, { job_id: jobId }).expect(409);
    expect(nothingLeft.body).toMatchObject({ code: 'refund_exceeds_charge', credits_refundable: 0 });
    expect(await listTransactions(team)).toEqual([
      ['refund', 1, 19, 20, null],
      ['refund', 3, 16, 19, null],
      ['refund', 1, 15, 16, null],
      ['deduction', 5, 20, 15, null],
      ['allocation', 20, 0, 20, expect.anything()],
    ]);
  });

  it('of one job in parallel, on two replicas, come to its charge and not above', async () => {
    const team = await makeRichTeam(20);
    const jobId = await chargeJob(team);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        refund(team, { job_id: jobId, credits: 2 }, index % 2 === 0 ? service : secondReplica),
      ),
    );
    // 5 = 2 + 2 and 1 that is less than anybody asks for.
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(2);
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(18);
    expect(await balanceOf(team)).toEqual([20, 1, 19]);
  });

  it('of the whole in parallel happen once', async () => {
    const team = await makeRichTeam(20);
    const jobId = await chargeJob(team);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund(team, { job_id: jobId })));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(await balanceOf(team)).toEqual([20, 0, 20]);
  });

  it('into a grant that has run out end as expired', async () => {
    const team = await makeRichTeam(0);
    await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, {
        body: { credits: 8, expires_at: '2026-03-11T00:00:00Z' },
      })
      .expect(200);
    const jobId = await chargeJob(team);
    clock.set('2026-03-11T00:00:00.000Z');
    const answer = await refund(team, { job_id: jobId, credits: 4 }).expect(200);
    // 8 granted, 5 charged, 3 left: they run out; then 4 come back and run out as well.
    expect(await listTransactions(team)).toEqual([
      ['adjustment', 4, 4, 0, 'Expired'],
      ['refund', 4, 0, 4, null],
      ['adjustment', 3, 3, 0, 'Expired'],
      ['deduction', 5, 8, 3, null],
      ['allocation', 8, 0, 8, null],
    ]);
    expect(answer.body).toMatchObject({ credits_refunded: 4, credits_before: 0, credits_after: 4 });
    expect(await balanceOf(team)).toEqual([8, 1, 0]);
    const grants = await service.call('get', `/api/credits/teams/${team.teamId}/grants`).expect(200);
    expect(grants.body.data).toMatchObject([
      { status: 'expired', credits: 8, credits_remaining: 0, credits_expired: 7 },
    ]);
    await service.call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } }).expect(402);
    clock.set('2026-03-10T12:00:00.000Z');
  });

  it('go to the grants that paid, the one that was drawn last first', async () => {
    const team = await makeRichTeam(3);
    await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits: 10, priority: 1 } })
      .expect(200);
    // 3 of the first and 2 of the second.
    const jobId = await chargeJob(team);
    const remaining = async () => {
      const { body } = await service.call('get', `/api/credits/teams/${team.teamId}/grants`).expect(200);
      return (body.data as { credits_remaining: number }[]).map((grant) => grant.credits_remaining);
    };
    expect(await remaining()).toEqual([8, 0]);
    await refund(team, { job_id: jobId, credits: 3 }).expect(200);
    expect(await remaining()).toEqual([10, 1]);
    await refund(team, { job_id: jobId }).expect(200);
    expect(await remaining()).toEqual([10, 3]);
  });

  it('are of charged jobs of the team only', async () => {
    const team = await makeRichTeam(20);
    const other = await makeRichTeam(20);
    const open = await makeJob(service, team, 'dear');
    const failed = await makeJob(service, team, 'dear');
    await completeJob(service, team, failed, 'failed');
    const charged = await chargeJob(team);
    for (const jobId of [open, failed, randomUUID()]) {
      expect((await refund(team, { job_id: jobId }).expect(404)).body.code).toBe('charge_not_found');
    }
    expect((await refund(other, { job_id: charged }).expect(404)).body.code).toBe('charge_not_found');
    const nobody = await refund({ ...team, teamId: 'nobody' }, { job_id: charged }).expect(404);
    expect(nobody.body.code).toBe('team_not_found');
    expect(await balanceOf(team)).toEqual([20, 5, 15]);
  });

  it.each([
    [{ job_id: 'job-1' }, 'job_id'],
    [{ job_id: null }, 'job_id'],
    [{ credits: 0 }, 'credits'],
    [{ credits: -1 }, 'credits'],
    [{ credits: 1.5 }, 'credits'],
    [{ reason: '' }, 'reason'],
  ])('are refused with %j', async (change, field) => {
    const team = await makeRichTeam(5);
    const answer = await refund(team, { job_id: randomUUID(), ...change }).expect(422);
    expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toEqual([field]);
  });
});
