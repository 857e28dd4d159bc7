import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  completeJob,
  expectBalance,
  makeCall,
  makeJob,
  makeTeam,
  type TestTeam,
} from '../support/factories.js';
import {
  ledgerDifferences,
  type Method,
  startTestService,
  type TestService,
  uniqueName,
} from '../support/service.js';

describe('what a credit buys', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  const ask = (method: Method, team: TestTeam, path: string, body?: object) =>
    service.call(method, `/api/credits/teams/${team.teamId}/${path}`, { body });
  const setMode = (team: TestTeam, body: object) => ask('patch', team, 'budget-mode', body).expect(200);
  const setType = (team: TestTeam, jobType: string, body: object) =>
    ask('put', team, `job-types/${encodeURIComponent(jobType)}`, body).expect(200);

  async function chargeOf(team: TestTeam, jobId: string, status = 'completed'): Promise<number> {
    const answer = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status } })
      .expect(200);
    return answer.body.costs.credits_charged as number;
  }

  it('is a job of one credit at first, at the documented rates', async () => {
    const team = await makeTeam(service);
    const rates = await ask('get', team, 'conversion-rates').expect(200);
    expect(rates.body).toEqual({
      team_id: team.teamId,
      budget_mode: 'job_based',
      credits_per_dollar: 10,
      tokens_per_credit: 10_000,
      updated_at: expect.any(String),
    });
    const outcome = await ask('get', team, 'fair-outcome').expect(200);
    expect(outcome.body).toEqual({
      team_id: team.teamId,
      fair_outcome: 'trusted',
      free_endings: 0,
      free_endings_window_days: 30,
      updated_at: expect.any(String),
    });
  });

  it('is what the team was created with', async () => {
    const { organizationId, groups } = await makeTeam(service);
    const created = await service
      .call('post', '/api/teams/create', {
        body: {
          organization_id: organizationId,
          team_id: uniqueName('team'),
          model_groups: groups,
          budget_mode: 'CONSUMPTION_USD',
          credits_per_dollar: 12.5,
          tokens_per_credit: 500,
        },
      })
      .expect(200);
    const terms = { budget_mode: 'consumption_usd', credits_per_dollar: 12.5, tokens_per_credit: 500 };
    expect(created.body).toMatchObject(terms);
    const teamId = created.body.team_id as string;
    expect((await service.call('get', `/api/teams/${teamId}`).expect(200)).body).toMatchObject(terms);
    const listed = await service
      .call('get', '/api/teams', { query: { organization_id: organizationId, limit: '1' } })
      .expect(200);
    expect(listed.body.data[0]).toMatchObject({ team_id: teamId, ...terms });
  });

  // At 10 credits per dollar: 0.152 × 10 = 1.52, 0.01 × 10 = 0.1, 0.1 × 10 = 1, 0.1000001 × 10 = 1.000001.
  it.each([
    ['0.152', 2],
    ['0.01', 1],
    ['0.1', 1],
    ['0.1000001', 2],
    ['0', 1],
  ])('is cost: %s USD at 10 credits a dollar are %i credits', async (cost, credits) => {
    const team = await makeTeam(service, { credits: 100, groups: [[`fault-cost-${cost}`]] });
    await setMode(team, { budget_mode: 'consumption_usd', credits_per_dollar: 10 });
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    expect(await chargeOf(team, jobId)).toBe(credits);
    await expectBalance(service, team, { allocated: 100, used: credits, held: 0 });
  });

  it('is the cost of all calls of a job together, rounded up once', async () => {
    // 3 × 0.05 × 10 = 1.5: two credits, where each call by itself would make three.
    const team = await makeTeam(service, { credits: 100, groups: [['fault-cost-0.05']] });
    await setMode(team, { budget_mode: 'consumption_usd' });
    const jobId = await makeJob(service, team);
    for (let call = 0; call < 3; call += 1) await makeCall(service, team, jobId);
    expect(await chargeOf(team, jobId)).toBe(2);
  });

  it('is cost, attempts that failed before the one that succeeded included', async () => {
    const failing = 'fault-cost-0.1+status-500';
    const team = await makeTeam(service, { credits: 100, groups: [[failing, 'fault-cost-0.2']] });
    await setMode(team, { budget_mode: 'consumption_usd' });
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    // (0.1 + 0.2) × 10
    expect(await chargeOf(team, jobId)).toBe(3);
  });

  it('does not touch what a job costs that is open: it keeps the mode and rates it was created with', async () => {
    const team = await makeTeam(service, { credits: 100, groups: [['fault-cost-0.152']] });
    const byJob = await makeJob(service, team);
    await setMode(team, { budget_mode: 'consumption_usd', credits_per_dollar: 10 });
    const byCost = await makeJob(service, team);
    await ask('patch', team, 'conversion-rates', { credits_per_dollar: 100 }).expect(200);
    const byNewRate = await makeJob(service, team);
    for (const jobId of [byJob, byCost, byNewRate]) await makeCall(service, team, jobId);
    expect(await chargeOf(team, byJob)).toBe(1);
    expect(await chargeOf(team, byCost)).toBe(2);
    // 0.152 × 100 = 15.2
    expect(await chargeOf(team, byNewRate)).toBe(16);
  });

  it('changes where it is said, and nowhere else', async () => {
    const team = await makeTeam(service);
    const changed = await setMode(team, { budget_mode: 'consumption_tokens', tokens_per_credit: 250 });
    expect(changed.body).toMatchObject({
      budget_mode: 'consumption_tokens',
      credits_per_dollar: 10,
      tokens_per_credit: 250,
    });
    const rates = await ask('patch', team, 'conversion-rates', {
      credits_per_dollar: 0.000001,
      tokens_per_credit: null,
    }).expect(200);
    expect(rates.body).toMatchObject({
      budget_mode: 'consumption_tokens',
      credits_per_dollar: 0.000001,
      tokens_per_credit: 250,
    });
    const outcome = await ask('patch', team, 'fair-outcome', { free_endings: 4 }).expect(200);
    expect(outcome.body).toMatchObject({
      fair_outcome: 'trusted',
      free_endings: 4,
      free_endings_window_days: 30,
    });
    expect((await ask('get', team, 'conversion-rates').expect(200)).body).toMatchObject({
      budget_mode: 'consumption_tokens',
      credits_per_dollar: 0.000001,
    });
  });

  it.each([
    ['budget-mode', { budget_mode: 'free' }, 'budget_mode'],
    ['budget-mode', { budget_mode: null }, 'budget_mode'],
    ['budget-mode', { credits_per_dollar: 5 }, 'budget_mode'],
    ['conversion-rates', { budget_mode: 'job_based' }, 'budget_mode'],
    ['conversion-rates', { credits_per_dollar: 0 }, 'credits_per_dollar'],
    ['conversion-rates', { credits_per_dollar: 0.0000001 }, 'credits_per_dollar'],
    ['conversion-rates', { credits_per_dollar: 1.0000001 }, 'credits_per_dollar'],
    ['conversion-rates', { tokens_per_credit: 0.5 }, 'tokens_per_credit'],
    ['fair-outcome', { fair_outcome: 'always' }, 'fair_outcome'],
    ['fair-outcome', { free_endings: 1_000_001 }, 'free_endings'],
    ['fair-outcome', { free_endings_window_days: 367 }, 'free_endings_window_days'],
  ])('refuses for %s the body %j', async (path, body, field) => {
    const team = await makeTeam(service);
    const refused = await ask('patch', team, path, body).expect(422);
    expect(refused.body.errors[0].field).toBe(field);
  });

  it('takes no change for a deleted team, and shows what it was', async () => {
    const team = await makeTeam(service);
    await setType(team, 'demo', { credits_per_job: 2 });
    await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
    const changes = [
      ask('patch', team, 'budget-mode', { budget_mode: 'job_based' }),
      ask('patch', team, 'conversion-rates', {}),
      ask('patch', team, 'fair-outcome', {}),
      ask('put', team, 'job-types/demo', {}),
      ask('delete', team, 'job-types/demo'),
    ];
    for (const change of changes) expect((await change.expect(409)).body.code).toBe('team_deleted');
    await ask('get', team, 'conversion-rates').expect(200);
    const types = await ask('get', team, 'job-types').expect(200);
    expect(types.body.data).toHaveLength(1);
  });

  it.each([
    ['patch', 'budget-mode', { budget_mode: 'job_based' }],
    ['patch', 'conversion-rates', {}],
    ['get', 'conversion-rates', undefined],
    ['patch', 'fair-outcome', {}],
    ['get', 'job-types', undefined],
    ['put', 'job-types/demo', {}],
    ['delete', 'job-types/demo', undefined],
  ] as const)('is not there for a team that is not: %s %s', async (method, path, body) => {
    const missing = await service.call(method, `/api/credits/teams/no-such-team/${path}`, { body });
    expect([missing.status, missing.body.code]).toEqual([404, 'team_not_found']);
  });

  describe('by the type of a job', () => {
    it('has a price of its own in credits', async () => {
      const team = await makeTeam(service, { credits: 10 });
      await setType(team, 'report', { credits_per_job: 4 });
      const report = await makeJob(service, team, 'report');
      const other = await makeJob(service, team, 'chat');
      await expectBalance(service, team, { allocated: 10, used: 0, held: 5 });
      expect(await chargeOf(team, report)).toBe(4);
      expect(await chargeOf(team, other)).toBe(1);
      // 5 are left, 4 of them for one more report.
      await makeJob(service, team, 'report');
      const refused = await service
        .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'report' } })
        .expect(402);
      expect(refused.body).toMatchObject({ credits_required: 4, credits_available: 1 });
    });

    it('sets an estimate aside where consumption is charged, and charges what was consumed', async () => {
      const team = await makeTeam(service, { credits: 20, groups: [['fault-cost-0.152']] });
      await setMode(team, { budget_mode: 'consumption_usd', credits_per_dollar: 10 });
      // The price by the job does not count in this mode.
      await setType(team, 'report', { hold_credits: 7, credits_per_job: 19 });
      const jobId = await makeJob(service, team, 'report');
      await expectBalance(service, team, { allocated: 20, used: 0, held: 7 });
      await makeCall(service, team, jobId);
      expect(await chargeOf(team, jobId)).toBe(2);
      await expectBalance(service, team, { allocated: 20, used: 2, held: 0 });
    });

    it('keeps the price of a job that is open', async () => {
      const team = await makeTeam(service, { credits: 10 });
      await setType(team, 'report', { credits_per_job: 4 });
      const jobId = await makeJob(service, team, 'report');
      await setType(team, 'report', { credits_per_job: 9 });
      expect(await chargeOf(team, jobId)).toBe(4);
    });

    it('has a fair outcome of its own, and else the one of the team', async () => {
      const team = await makeTeam(service, { credits: 10 });
      await setType(team, 'report', { fair_outcome: 'server_observed' });
      const fail = async (jobType: string): Promise<number> => {
        const jobId = await makeJob(service, team, jobType);
        await makeCall(service, team, jobId);
        return chargeOf(team, jobId, 'failed');
      };
      // A successful call and no failed one: observed, the job has worked; trusted, it has not.
      expect(await fail('report')).toBe(1);
      expect(await fail('chat')).toBe(0);
      await ask('patch', team, 'fair-outcome', { fair_outcome: 'server_observed' }).expect(200);
      expect(await fail('chat')).toBe(1);
      await setType(team, 'report', { fair_outcome: 'allowance', free_endings: 1 });
      expect(await fail('report')).toBe(0);
      expect(await fail('report')).toBe(1);
    });

    it('is replaced as a whole, and as for the team again once it is deleted', async () => {
      const team = await makeTeam(service, { credits: 10 });
      await setType(team, 'report', { credits_per_job: 4, time_to_live_ms: 5_000, retry_ambiguous: true });
      const replaced = await setType(team, 'report', { credits_per_job: null, hold_credits: 3 });
      expect(replaced.body).toEqual({
        job_type: 'report',
        credits_per_job: null,
        hold_credits: 3,
        fair_outcome: null,
        free_endings: null,
        free_endings_window_days: null,
        time_to_live_ms: null,
        retry_ambiguous: null,
        updated_at: expect.any(String),
      });
      await setType(team, 'report', { credits_per_job: 4 });
      await ask('delete', team, 'job-types/report').expect(200);
      const gone = await ask('delete', team, 'job-types/report').expect(404);
      expect(gone.body.code).toBe('job_type_terms_not_found');
      await makeJob(service, team, 'report');
      await expectBalance(service, team, { allocated: 10, used: 0, held: 1 });
    });

    it.each(['a/b c', '100 % größer?', '日本語', '😀'.repeat(128), '{"a":1}'])(
      'may be called %s',
      async (jobType) => {
        const team = await makeTeam(service, { credits: 10 });
        await setType(team, jobType, { credits_per_job: 2 });
        await makeJob(service, team, jobType);
        await expectBalance(service, team, { allocated: 10, used: 0, held: 2 });
        const listed = await ask('get', team, 'job-types').expect(200);
        expect(listed.body.data[0].job_type).toBe(jobType);
        await ask('delete', team, `job-types/${encodeURIComponent(jobType)}`).expect(200);
      },
    );

    it.each([true, false, null])('says %s about a second model after a doubtful end', async (given) => {
      const team = await makeTeam(service);
      const said = await setType(team, 'report', { retry_ambiguous: given });
      expect(said.body.retry_ambiguous).toBe(given);
      const listed = await ask('get', team, 'job-types').expect(200);
      expect(listed.body.data[0].retry_ambiguous).toBe(given);
      const refused = await ask('put', team, 'job-types/report', { retry_ambiguous: 'yes' }).expect(422);
      expect(refused.body.errors).toMatchObject([{ field: 'retry_ambiguous', code: 'is_boolean' }]);
    });

    it('is refused where no job can have it, and where an allowance lacks its rule', async () => {
      const team = await makeTeam(service);
      const long = await ask('put', team, `job-types/${'x'.repeat(129)}`, {}).expect(422);
      expect(long.body.errors).toMatchObject([{ field: 'job_type', code: 'max_length' }]);
      const alone = await ask('put', team, 'job-types/report', { free_endings: 3 }).expect(422);
      expect(alone.body.errors).toMatchObject([{ field: 'free_endings', code: 'needs_fair_outcome' }]);
      for (const time_to_live_ms of [999, 31_536_000_001]) {
        await ask('put', team, 'job-types/report', { time_to_live_ms }).expect(422);
      }
    });

    it('is listed by name, page by page, also where names are as long as can be', async () => {
      const team = await makeTeam(service);
      const names = ['a', 'b', '😀'.repeat(128), 'c d'];
      for (const name of names) await setType(team, name, { credits_per_job: 2 });
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await service
          .call('get', `/api/credits/teams/${team.teamId}/job-types`, {
            query: { limit: '1', ...(cursor !== '' && { cursor }) },
          })
          .expect(200);
        seen.push(...(page.body.data as { job_type: string }[]).map((row) => row.job_type));
        cursor = page.body.next_cursor as string | null;
      }
      expect([...seen].sort()).toEqual([...names].sort());
      expect(seen.filter((name) => name.length < 5)).toEqual(['a', 'b', 'c d']);
      const foreign = await service.call('get', `/api/credits/teams/${team.teamId}/job-types`, {
        query: { cursor: Buffer.from('name a\0').toString('base64url') },
      });
      expect(foreign.status).toBe(422);
    });
  });
});

describe('what a credit buys in tokens', () => {
  let upstream: Server;
  let service: TestService;

  /** Answers every call with the tokens that its model's name says. */
  beforeAll(async () => {
    upstream = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { model } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string };
        const tokens = Number(model.replace('tokens-', ''));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({
            id: 'chatcmpl-1',
            object: 'chat.completion',
            created: 1,
            model,
            choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Done.' } }],
            usage: { prompt_tokens: tokens - 1, completion_tokens: 1, total_tokens: tokens },
          }),
        );
      });
    });
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
    const { port } = upstream.address() as AddressInfo;
    service = await startTestService({ upstreamUrl: `http://127.0.0.1:${String(port)}` });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
    upstream.closeAllConnections();
    upstream.close();
  });

  // 45,000 ÷ 10,000 = 4.5; 10,000 ÷ 10,000 = 1; 10,001 ÷ 10,000 = 1.0001; 5 ÷ 10,000 = 0.0005.
  it.each([
    [45_000, 5],
    [10_000, 1],
    [10_001, 2],
    [5, 1],
  ])('charges %i tokens at 10,000 a credit with %i', async (tokens, credits) => {
    const team = await makeTeam(service, { credits: 50, groups: [[`tokens-${String(tokens)}`]] });
    await service
      .call('patch', `/api/credits/teams/${team.teamId}/budget-mode`, {
        body: { budget_mode: 'consumption_tokens', tokens_per_credit: 10_000 },
      })
      .expect(200);
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 50, used: credits, held: 0 });
  });

  it('adds the tokens of all calls', async () => {
    const team = await makeTeam(service, { credits: 50, groups: [['tokens-4000'], ['tokens-7000']] });
    await service
      .call('patch', `/api/credits/teams/${team.teamId}/budget-mode`, {
        body: { budget_mode: 'consumption_tokens', tokens_per_credit: 10_000 },
      })
      .expect(200);
    const jobId = await makeJob(service, team);
    await makeCall(service, team, jobId);
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        key: team.key,
        body: { messages: [{ role: 'user', content: 'Go on.' }], model_group: team.groups[1] },
      })
      .expect(200);
    await completeJob(service, team, jobId);
    // 11,000 ÷ 10,000
    await expectBalance(service, team, { allocated: 50, used: 2, held: 0 });
  });
});
