import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completeJob, expectBalance, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService, uniqueName } from '../support/service.js';

interface Transaction {
  readonly transaction_id: string;
  readonly job_id: string | null;
  readonly transaction_type: string;
  readonly credits_amount: number;
  readonly credits_before: number;
  readonly credits_after: number;
  readonly reason: string | null;
}

describe('credit transactions', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  async function listTransactions(team: TestTeam, key = team.key): Promise<Transaction[]> {
    const answer = await service
      .call('get', `/api/credits/teams/${team.teamId}/transactions`, { key, query: { limit: '100' } })
      .expect(200);
    expect(answer.body).toMatchObject({ team_id: team.teamId, has_more: false, next_cursor: null });
    return answer.body.transactions as Transaction[];
  }

  async function addCredits(team: TestTeam, credits: number, reason?: string): Promise<void> {
    await service
      .call('post', `/api/credits/teams/${team.teamId}/add`, { body: { credits, reason } })
      .expect(200);
  }

  /** Type, amount, before, after: what can be worked out by hand. */
  function figures(transactions: readonly Transaction[]): unknown[][] {
    return transactions.map((transaction) => [
      transaction.transaction_type,
      transaction.credits_amount,
      transaction.credits_before,
      transaction.credits_after,
    ]);
  }

  it('are the grants and the charges of a team, newest first, each with its reason or its job', async () => {
    const team = await makeTeam(service, { credits: 10 });
    await addCredits(team, 5, 'Invoice 4711');
    await addCredits(team, 2);
    const jobId = await makeJob(service, team);
    await completeJob(service, team, jobId);
    const transactions = await listTransactions(team);
    expect(figures(transactions)).toEqual([
      ['deduction', 1, 17, 16],
      ['allocation', 2, 15, 17],
      ['allocation', 5, 10, 15],
      ['allocation', 10, 0, 10],
    ]);
    expect(transactions.slice(0, 3).map(({ job_id, reason }) => [job_id, reason])).toEqual([
      [jobId, null],
      [null, null],
      [null, 'Invoice 4711'],
    ]);
    expect(new Set(transactions.map((transaction) => transaction.transaction_id)).size).toBe(4);
  });

  it('do not tell of credits that were only set aside, or given back', async () => {
    const team = await makeTeam(service, { credits: 3 });
    await makeJob(service, team);
    await completeJob(service, team, await makeJob(service, team), 'failed');
    await completeJob(service, team, await makeJob(service, team), 'cancelled');
    expect(figures(await listTransactions(team))).toEqual([['allocation', 3, 0, 3]]);
  });

  it('tell what remained before and after, whatever other jobs have set aside', async () => {
    const team = await makeTeam(service, { credits: 10 });
    const jobs = [await makeJob(service, team), await makeJob(service, team), await makeJob(service, team)];
    await expectBalance(service, team, { allocated: 10, used: 0, held: 3 });
    await addCredits(team, 5);
    await completeJob(service, team, jobs[1]!);
    await completeJob(service, team, jobs[0]!, 'failed');
    await completeJob(service, team, jobs[2]!);
    expect(figures(await listTransactions(team))).toEqual([
      ['deduction', 1, 14, 13],
      ['deduction', 1, 15, 14],
      ['allocation', 5, 10, 15],
      ['allocation', 10, 0, 10],
    ]);
  });

  it('of a team that never had a credit are none', async () => {
    const team = await makeTeam(service, { credits: 0 });
    expect(await listTransactions(team)).toEqual([]);
  });

  it('list a charge once, however often a job is completed', async () => {
    const team = await makeTeam(service, { credits: 2 });
    const jobId = await makeJob(service, team);
    for (let round = 0; round < 3; round += 1) await completeJob(service, team, jobId);
    expect(figures(await listTransactions(team))).toEqual([
      ['deduction', 1, 2, 1],
      ['allocation', 2, 0, 2],
    ]);
  });

  it('form one chain without a gap when grants and charges run in parallel', async () => {
    const team = await makeTeam(service, { credits: 20 });
    const jobs = await Promise.all(Array.from({ length: 20 }, () => makeJob(service, team)));
    await Promise.all(
      jobs.flatMap((jobId, index) => [
        completeJob(service, team, jobId, index % 4 === 0 ? 'failed' : 'completed'),
        addCredits(team, index + 1),
      ]),
    );
    const oldestFirst = (await listTransactions(team)).reverse();
    // The first grant, 20 more, and the 15 jobs of 20 whose number is no multiple of four.
    expect(oldestFirst).toHaveLength(1 + 20 + 15);
    let remaining = 0;
    for (const transaction of oldestFirst) {
      const sign = transaction.transaction_type === 'allocation' ? 1 : -1;
      expect(transaction.credits_before).toBe(remaining);
      remaining += sign * transaction.credits_amount;
      expect(transaction.credits_after).toBe(remaining);
    }
    // 20 at first, 1 + 2 + … + 20 = 210 more, 15 charged.
    expect(remaining).toBe(215);
    await expectBalance(service, team, { allocated: 230, used: 15, held: 0 });
  });

  it('are read by a suspended team, and by the admin after a team was deleted', async () => {
    const team = await makeTeam(service, { credits: 4 });
    await completeJob(service, team, await makeJob(service, team));
    const before = await listTransactions(team);
    await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
    expect(await listTransactions(team)).toEqual(before);
    await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
    const answer = await service.call('get', `/api/credits/teams/${team.teamId}/transactions`).expect(200);
    expect(answer.body.transactions).toEqual(before);
  });

  it.each([
    ['get', 'transactions'],
    ['post', 'check'],
  ] as const)('answer %s %s for another team as for one that does not exist', async (method, route) => {
    const team = await makeTeam(service);
    const stranger = await makeTeam(service);
    const of = (teamId: string, key?: string) =>
      service.call(method, `/api/credits/teams/${teamId}/${route}`, key === undefined ? {} : { key });
    const foreign = await of(team.teamId, stranger.key).expect(403);
    const unknown = await of(uniqueName('nobody'), stranger.key).expect(403);
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
    expect((await of(uniqueName('nobody')).expect(404)).body.code).toBe('team_not_found');
  });
});

describe('a check of credits', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  const check = (team: TestTeam, needed?: string) =>
    service.call('post', `/api/credits/teams/${team.teamId}/check`, {
      key: team.key,
      ...(needed !== undefined && { query: { credits_needed: needed } }),
    });

  it('asks for one credit when no number is given, and sets nothing aside', async () => {
    const team = await makeTeam(service, { credits: 2 });
    for (let round = 0; round < 3; round += 1) {
      expect((await check(team).expect(200)).body).toEqual({
        team_id: team.teamId,
        has_credits: true,
        credits_remaining: 2,
        credits_available: 2,
        credits_needed: 1,
      });
    }
    await expectBalance(service, team, { allocated: 2, used: 0, held: 0 });
  });

  it('counts only what no open job has set aside', async () => {
    const team = await makeTeam(service, { credits: 5 });
    const held = [await makeJob(service, team), await makeJob(service, team)];
    expect((await check(team, '3').expect(200)).body).toEqual({
      team_id: team.teamId,
      has_credits: true,
      credits_remaining: 5,
      credits_available: 3,
      credits_needed: 3,
    });
    const short = await check(team, '4').expect(200);
    expect(short.body).toEqual({
      team_id: team.teamId,
      has_credits: false,
      credits_remaining: 5,
      credits_available: 3,
      credits_needed: 4,
      error: expect.stringMatching(/4.*3/),
    });
    await completeJob(service, team, held[0]!, 'failed');
    expect((await check(team, '4').expect(200)).body.has_credits).toBe(true);
    await completeJob(service, team, held[1]!);
    expect((await check(team, '5').expect(200)).body.has_credits).toBe(false);
  });

  it('says what the next job will be told', async () => {
    const team = await makeTeam(service, { credits: 1 });
    const open = await makeJob(service, team);
    const refused = await check(team).expect(200);
    const job = await service
      .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'demo' } })
      .expect(402);
    expect(refused.body).toMatchObject({ has_credits: false, error: job.body.detail });
    await completeJob(service, team, open, 'cancelled');
    expect((await check(team).expect(200)).body.has_credits).toBe(true);
    await makeJob(service, team);
  });

  it('counts credits of certain job types for those, and what begins later not at all', async () => {
    const team = await makeTeam(service, { credits: 1 });
    const add = (body: object) =>
      service.call('post', `/api/credits/teams/${team.teamId}/add`, { body }).expect(200);
    await add({ credits: 10, kind: 'promotion', job_types: ['chat'] });
    await add({ credits: 100, starts_at: '2999-01-01T00:00:00.000Z' });
    const checkFor = async (needed: string, jobType?: string): Promise<[boolean, number, number]> => {
      const { body } = await service
        .call('post', `/api/credits/teams/${team.teamId}/check`, {
          key: team.key,
          query: { credits_needed: needed, ...(jobType !== undefined && { job_type: jobType }) },
        })
        .expect(200);
      return [body.has_credits, body.credits_available, body.credits_remaining] as [boolean, number, number];
    };
    expect(await checkFor('2')).toEqual([false, 1, 111]);
    expect(await checkFor('11', 'chat')).toEqual([true, 11, 111]);
    expect(await checkFor('12', 'chat')).toEqual([false, 11, 111]);
    expect(await checkFor('2', 'translation')).toEqual([false, 1, 111]);
    // What creating jobs then does: the first takes the credit of all types or one of its own.
    await makeJob(service, team, 'translation');
    await service
      .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'translation' } })
      .expect(402);
    await makeJob(service, team, 'chat');
  });

  it.each(['0', '-1', '1.5', 'one', '', '1000000000', '1e3'])(
    'refuses %j as the number of credits',
    async (needed) => {
      const team = await makeTeam(service);
      const answer = await check(team, needed).expect(422);
      expect(answer.body.errors[0].field).toBe('credits_needed');
    },
  );
});
