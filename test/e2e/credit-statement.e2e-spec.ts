import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query } from '../support/database.js';
import { completeJob, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

interface Movement {
  readonly date: string;
  readonly transaction_type: string;
  readonly credits: number;
  readonly count: number;
}

describe('the statement of a month', () => {
  let service: TestService;
  const clock = new TestClock(new Date('2026-01-30T10:00:00.000Z'));

  beforeAll(async () => {
    service = await startTestService({ clock });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const post = (team: TestTeam, route: string, body: object) =>
    service.call('post', `/api/credits/teams/${team.teamId}/${route}`, { body }).expect(200);
  const statement = (team: TestTeam, period?: string, format?: string) =>
    service.call('get', `/api/credits/teams/${team.teamId}/statement`, {
      query: { ...(period !== undefined && { period }), ...(format !== undefined && { format }) },
    });
  const movementsOf = (body: Record<string, unknown>) =>
    (body['movements'] as Movement[]).map(({ date, transaction_type, credits, count }) => [
      date,
      transaction_type,
      credits,
      count,
    ]);

  /** Its jobs of the type `dear` cost 5 credits. */
  async function makeRichTeam(): Promise<TestTeam> {
    const team = await makeTeam(service, { credits: 0 });
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

  const NOTHING = { credits_allocated: 0, credits_used: 0, credits_expired: 0, credits_remaining: 0 };

  it('adds up over a grant that runs out and refunds, to the unit, as JSON and as CSV', async () => {
    // January: the team is made, and gets 100 that never run out.
    clock.set('2026-01-30T10:00:00.000Z');
    const team = await makeRichTeam();
    clock.set('2026-01-31T23:59:59.999Z');
    await post(team, 'add', { credits: 100 });

    // 3 February: 100 + 50 that are drawn first and end on the 10th = 150; a job, 150 − 5 = 145.
    clock.set('2026-02-03T00:00:00.000Z');
    await post(team, 'replenish', {
      credits: 50,
      payment_type: 'one_time',
      payment_amount_usd: 25,
      external_reference: 'evt_1',
      expires_at: '2026-02-10T00:00:00Z',
    });
    clock.set('2026-02-03T23:59:59.999Z');
    const first = await chargeJob(team);

    // 4 February: two jobs, 145 − 10 = 135, of which 50 − 15 = 35 end on the 10th; a job that fails moves nothing.
    clock.set('2026-02-04T00:00:00.000Z');
    await chargeJob(team);
    await chargeJob(team);
    await completeJob(service, team, await makeJob(service, team, 'dear'), 'failed');

    // 10 February: the 35 run out, 135 − 35 = 100. Nobody but the statement has asked since.
    clock.set('2026-02-10T08:00:00.000Z');
    const inProgress = (await statement(team, '2026-02').expect(200)).body;
    expect(inProgress).toMatchObject({
      is_final: false,
      starts_at: '2026-02-01T00:00:00.000Z',
      ends_at: '2026-02-10T08:00:00.000Z',
      closing_balance: {
        credits_allocated: 150,
        credits_used: 15,
        credits_expired: 35,
        credits_remaining: 100,
      },
    });
    expect((await statement(team).expect(200)).body).toEqual(inProgress);

    // 12 February: the first job is refunded, 100 + 5 = 105, to credits that have run out: 105 − 5 = 100.
    clock.set('2026-02-12T12:00:00.000Z');
    await post(team, 'refund', { job_id: first });
    // 20 and 21 February: a job, 100 − 5 = 95; of it 2 are refunded, 95 + 2 = 97.
    clock.set('2026-02-20T12:00:00.000Z');
    const last = await chargeJob(team);
    clock.set('2026-02-21T12:00:00.000Z');
    await post(team, 'refund', { job_id: last, credits: 2 });
    // 28 February, the last millisecond: 97 + 10 = 107.
    clock.set('2026-02-28T23:59:59.999Z');
    await post(team, 'add', { credits: 10, kind: 'promotion' });
    // The first of March: of another month.
    clock.set('2026-03-01T00:00:00.000Z');
    await post(team, 'add', { credits: 1000 });

    const february = (await statement(team, '2026-02').expect(200)).body;
    expect(february).toEqual({
      team_id: team.teamId,
      period: '2026-02',
      starts_at: '2026-02-01T00:00:00.000Z',
      ends_at: '2026-03-01T00:00:00.000Z',
      is_final: true,
      opening_balance: {
        credits_allocated: 100,
        credits_used: 0,
        credits_expired: 0,
        credits_remaining: 100,
      },
      movements: [
        { date: '2026-02-03', transaction_type: 'deduction', credits: -5, count: 1 },
        { date: '2026-02-03', transaction_type: 'one_time_payment', credits: 50, count: 1 },
        { date: '2026-02-04', transaction_type: 'deduction', credits: -10, count: 2 },
        { date: '2026-02-10', transaction_type: 'adjustment', credits: -35, count: 1 },
        { date: '2026-02-12', transaction_type: 'refund', credits: 5, count: 1 },
        { date: '2026-02-12', transaction_type: 'adjustment', credits: -5, count: 1 },
        { date: '2026-02-20', transaction_type: 'deduction', credits: -5, count: 1 },
        { date: '2026-02-21', transaction_type: 'refund', credits: 2, count: 1 },
        { date: '2026-02-28', transaction_type: 'allocation', credits: 10, count: 1 },
      ],
      // 10 − 20 + 7 − 40 + 0 + 50 = 7.
      totals: [
        { transaction_type: 'allocation', credits: 10, count: 1 },
        { transaction_type: 'deduction', credits: -20, count: 4 },
        { transaction_type: 'refund', credits: 7, count: 2 },
        { transaction_type: 'adjustment', credits: -40, count: 2 },
        { transaction_type: 'subscription_payment', credits: 0, count: 0 },
        { transaction_type: 'one_time_payment', credits: 50, count: 1 },
      ],
      // 100 + 7 remain: 100 + 60 allocated, 20 − 7 used, 40 expired.
      closing_balance: {
        credits_allocated: 160,
        credits_used: 13,
        credits_expired: 40,
        credits_remaining: 107,
      },
    });

    const csv = await statement(team, '2026-02', 'csv').expect(200);
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.headers['content-disposition']).toBe(
      `attachment; filename=credits-${team.teamId}-2026-02.csv`,
    );
    const line = (text: string) => `${team.teamId},2026-02,${text}\n`;
    expect(csv.text).toBe(
      [
        'team_id,period,line,date,transaction_type,count,credits\n',
        line('opening,2026-02-01,,,100'),
        line('movement,2026-02-03,deduction,1,-5'),
        line('movement,2026-02-03,one_time_payment,1,50'),
        line('movement,2026-02-04,deduction,2,-10'),
        line('movement,2026-02-10,adjustment,1,-35'),
        line('movement,2026-02-12,refund,1,5'),
        line('movement,2026-02-12,adjustment,1,-5'),
        line('movement,2026-02-20,deduction,1,-5'),
        line('movement,2026-02-21,refund,1,2'),
        line('movement,2026-02-28,allocation,1,10'),
        line('closing,2026-02-28,,,107'),
      ].join(''),
    );

    const january = (await statement(team, '2026-01').expect(200)).body;
    expect(january).toMatchObject({ is_final: true, opening_balance: NOTHING });
    expect(january.closing_balance).toEqual(february.opening_balance);
    expect(movementsOf(january)).toEqual([['2026-01-31', 'allocation', 100, 1]]);
    const march = (await statement(team, '2026-03').expect(200)).body;
    expect(march.opening_balance).toEqual(february.closing_balance);
    expect(movementsOf(march)).toEqual([['2026-03-01', 'allocation', 1000, 1]]);
    expect(march).toMatchObject({ is_final: false, ends_at: '2026-03-01T00:00:00.000Z' });
    const marchCsv = (await statement(team, '2026-03', 'CSV').expect(200)).text.split('\n');
    expect(marchCsv[3]).toBe(`${team.teamId},2026-03,closing,2026-03-01,,,1107`);
  });

  it('of a month before the team is zeros, and a month that has not begun is refused', async () => {
    clock.set('2026-03-31T23:59:59.999Z');
    const team = await makeRichTeam();
    const before = (await statement(team, '2019-02').expect(200)).body;
    expect(before).toMatchObject({
      is_final: true,
      opening_balance: NOTHING,
      movements: [],
      closing_balance: NOTHING,
    });
    expect((before.totals as Movement[]).map(({ credits, count }) => [credits, count])).toEqual(
      Array.from({ length: 6 }, () => [0, 0]),
    );
    const csv = await statement(team, '2019-02', 'csv').expect(200);
    expect(csv.text.split('\n').slice(1)).toEqual([
      `${team.teamId},2019-02,opening,2019-02-01,,,0`,
      `${team.teamId},2019-02,closing,2019-02-28,,,0`,
      '',
    ]);
    const future = await statement(team, '2026-04').expect(422);
    expect(future.body.errors).toMatchObject([{ field: 'period', code: 'future_period' }]);
    clock.set('2026-04-01T00:00:00.000Z');
    await statement(team, '2026-04').expect(200);
  });

  it.each(['2026', '2026-13', '2026-1', '2026-01-01', 'now', ''])('refuses %j as a month', async (period) => {
    const team = await makeRichTeam();
    const answer = await statement(team, period).expect(422);
    expect(answer.body.errors).toMatchObject([{ field: 'period', code: 'invalid_period' }]);
  });

  it('is given to the admin and to the team itself, as JSON or CSV and nothing else', async () => {
    const team = await makeRichTeam();
    const other = await makeRichTeam();
    const ask = (key: string) => service.call('get', `/api/credits/teams/${team.teamId}/statement`, { key });
    await ask(team.key).expect(200);
    await ask(other.key).expect(403);
    await statement({ ...team, teamId: 'nobody' }, '2026-01').expect(404);
    expect((await statement(team, '2026-01', 'pdf').expect(422)).body.errors[0].field).toBe('format');
  });

  it('names its file so that any system takes it', async () => {
    const team = await makeRichTeam();
    const teamId = 'a:b@c.d';
    const groups = await service
      .call('post', '/api/teams/create', {
        body: { organization_id: team.organizationId, team_id: teamId, model_groups: team.groups },
      })
      .expect(200);
    expect(groups.body.team_id).toBe(teamId);
    const csv = await statement({ ...team, teamId }, '2026-01', 'csv').expect(200);
    expect(csv.headers['content-disposition']).toBe('attachment; filename=credits-a_b_c.d-2026-01.csv');
  });

  it('adds up while credits move', async () => {
    clock.set('2026-05-05T12:00:00.000Z');
    const team = await makeRichTeam();
    await post(team, 'add', { credits: 1000 });
    const readMay = async () =>
      (await statement(team, '2026-05').expect(200)).body as {
        opening_balance: { credits_remaining: number };
        movements: Movement[];
        closing_balance: { credits_remaining: number };
      };
    const jobs = Array.from({ length: 15 }, () => chargeJob(team));
    const statements = await Promise.all(Array.from({ length: 15 }, () => readMay()));
    await Promise.all(jobs);
    for (const body of [...statements, await readMay()]) {
      const moved = body.movements.reduce((sum, { credits }) => sum + credits, 0);
      expect(body.opening_balance.credits_remaining + moved).toBe(body.closing_balance.credits_remaining);
    }
  });
});

describe('filters of transactions', () => {
  let service: TestService;
  let team: TestTeam;
  let jobs: string[];
  let all: Record<string, string>[];
  const clock = new TestClock(new Date('2026-03-01T00:00:00.000Z'));

  const list = async (query: Record<string, string>) => {
    const found: Record<string, string>[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await service
        .call('get', `/api/credits/teams/${team.teamId}/transactions`, {
          key: team.key,
          query: { ...query, ...(cursor !== null && { cursor }) },
        })
        .expect(200);
      found.push(...(body.transactions as Record<string, string>[]));
      cursor = body.next_cursor as string | null;
    } while (cursor !== null);
    return found;
  };

  beforeAll(async () => {
    service = await startTestService({ clock });
    // One day each: 10 with the team; two payments; three jobs; a refund; what ends on the 9th.
    team = await makeTeam(service, { credits: 10 });
    const post = (route: string, body: object) =>
      service.call('post', `/api/credits/teams/${team.teamId}/${route}`, { body }).expect(200);
    for (const [day, type] of [
      ['02', 'subscription'],
      ['03', 'one_time'],
    ] as const) {
      clock.set(`2026-03-${day}T00:00:00.000Z`);
      await post('replenish', {
        credits: 5,
        payment_type: type,
        external_reference: type,
        expires_at: type === 'one_time' ? '2026-03-09' : null,
      });
    }
    jobs = [];
    for (const day of ['04', '05', '06']) {
      clock.set(`2026-03-${day}T00:00:00.000Z`);
      const jobId = await makeJob(service, team);
      await completeJob(service, team, jobId);
      jobs.push(jobId);
    }
    clock.set('2026-03-07T00:00:00.000Z');
    await post('refund', { job_id: jobs[1] });
    clock.set('2026-03-09T00:00:00.000Z');
    all = await list({});
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const days = (transactions: Record<string, string>[]) =>
    transactions.map((one) => `${one['created_at']!.slice(8, 10)} ${one['transaction_type']!}`);

  it('leave nothing out where there are none', () => {
    expect(days(all)).toEqual([
      '09 adjustment',
      '07 refund',
      '06 deduction',
      '05 deduction',
      '04 deduction',
      '03 one_time_payment',
      '02 subscription_payment',
      '01 allocation',
    ]);
  });

  it.each(['allocation', 'deduction', 'refund', 'adjustment', 'subscription_payment', 'one_time_payment'])(
    'find every %s, and nothing else, on pages of any size',
    async (type) => {
      const wanted = all.filter((one) => one['transaction_type'] === type);
      expect(wanted.length).toBe(type === 'deduction' ? 3 : 1);
      for (const limit of ['1', '2', '100']) {
        expect(await list({ type: limit === '1' ? type.toUpperCase() : type, limit })).toEqual(wanted);
      }
    },
  );

  it('find what one job was charged and refunded', async () => {
    expect(days(await list({ job_id: jobs[1]!, limit: '1' }))).toEqual(['07 refund', '05 deduction']);
    expect(days(await list({ job_id: jobs[0]!.toUpperCase() }))).toEqual(['04 deduction']);
    expect(days(await list({ job_id: jobs[1]!, type: 'refund' }))).toEqual(['07 refund']);
    expect(await list({ job_id: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })).toEqual([]);
  });

  it('find a span of time, its start within and its end without', async () => {
    const span = (after: string, before: string) =>
      list({ created_after: after, created_before: before, limit: '2' });
    expect(days(await span('2026-03-04', '2026-03-06'))).toEqual(['05 deduction', '04 deduction']);
    expect(days(await span('2026-03-04T00:00:00.001Z', '2026-03-06T00:00:00.001Z'))).toEqual([
      '06 deduction',
      '05 deduction',
    ]);
    expect(await span('2026-03-09T00:00:00.001Z', '2027-01-01')).toEqual([]);
    expect(await span('2020-01-01', '2026-03-01')).toEqual([]);
    expect(await span('2026-03-06', '2026-03-04')).toEqual([]);
    expect(await list({ created_before: '2027-01-01' })).toEqual(all);
    expect(await list({ created_after: '2020-01-01' })).toEqual(all);
    expect(days(await list({ created_after: '2026-03-05', type: 'deduction' }))).toEqual([
      '06 deduction',
      '05 deduction',
    ]);
  });

  it('keep their pages while transactions arrive', async () => {
    const ask = (query: Record<string, string>) =>
      service
        .call('get', `/api/credits/teams/${team.teamId}/transactions`, {
          query: { type: 'deduction', limit: '2', ...query },
        })
        .expect(200);
    const first = (await ask({})).body;
    clock.set('2026-03-10T00:00:00.000Z');
    await completeJob(service, team, await makeJob(service, team));
    const second = (await ask({ cursor: first.next_cursor as string })).body;
    expect(days(first.transactions as Record<string, string>[])).toEqual(['06 deduction', '05 deduction']);
    expect(days(second.transactions as Record<string, string>[])).toEqual(['04 deduction']);
    expect(second.has_more).toBe(false);
  });

  it.each([
    [{ type: 'expiry' }, 'type'],
    [{ job_id: 'job-1' }, 'job_id'],
    [{ created_after: 'yesterday' }, 'created_after'],
    [{ created_before: '2026-02-30' }, 'created_before'],
    [{ status: 'open' }, 'status'],
  ])('are refused with %j', async (query, field) => {
    const answer = await service
      .call('get', `/api/credits/teams/${team.teamId}/transactions`, {
        query: query,
      })
      .expect(422);
    expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toEqual([field]);
  });
});
