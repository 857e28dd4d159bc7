import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeDemo } from '../../src/demo/make-demo.js';
import { query } from '../support/database.js';
import { MESSAGES } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { makeWorkplace, runProgram } from '../support/server-process.js';

const TABLES = [
  'organizations',
  'teams',
  'virtual_keys',
  'model_groups',
  'credit_accounts',
  'credit_grants',
  'credit_holds',
  'credit_transfers',
  'jobs',
  'llm_calls',
  'llm_attempts',
];

describe('the demo', () => {
  let service: TestService;

  beforeEach(async () => {
    service = await startTestService();
  });
  afterEach(() => service.stop());

  const make = () => makeDemo(service.settings, service.database.url);

  /** Everything that is in the database. */
  async function content(): Promise<unknown[]> {
    return Promise.all(
      TABLES.map((table) =>
        query(
          service.database.url,
          `SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM ${table} row`,
        ),
      ),
    );
  }

  it('shows the figures of the usage examples for acme-corp in 2024-10', async () => {
    expect((await make()).kind).toBe('made');
    const usage = await service
      .call('get', '/api/teams/acme-corp/usage', { query: { period: '2024-10' } })
      .expect(200);

    expect(usage.body).toMatchObject({
      team_id: 'acme-corp',
      period: '2024-10',
      summary: {
        total_jobs: 250,
        successful_jobs: 245,
        failed_jobs: 5,
        total_cost_usd: 18.75,
        avg_cost_per_job: 0.075,
      },
      job_types: {
        document_analysis: { count: 120, cost_usd: 12.2 },
        chat_session: { count: 100, cost_usd: 5.25 },
        data_extraction: { count: 30, cost_usd: 1.3 },
      },
    });
    expect(Object.keys(usage.body.job_types as object)).toEqual([
      'document_analysis',
      'chat_session',
      'data_extraction',
    ]);
    const before = await service.call('get', '/api/teams/acme-corp/usage?period=2024-09').expect(200);
    expect(before.body.summary.total_jobs).toBe(0);
  });

  it('keeps the books: 1,000 credits granted, 245 charged', async () => {
    await make();
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    const balance = await service.call('get', '/api/credits/teams/acme-corp/balance').expect(200);
    expect(balance.body).toMatchObject({
      credits_allocated: 1000,
      credits_used: 245,
      credits_available: 755,
    });
    const transactions = await service
      .call('get', '/api/credits/teams/acme-corp/transactions', { query: { limit: '1' } })
      .expect(200);
    expect(transactions.body.transactions[0]).toMatchObject({
      transaction_type: 'deduction',
      credits_before: 756,
      credits_after: 755,
    });
  });

  it('lists its jobs, explains their costs and answers their completion again', async () => {
    await make();
    const listed = await service
      .call('get', '/api/teams/acme-corp/jobs', { query: { status: 'completed', limit: '1' } })
      .expect(200);
    const job = listed.body.data[0] as { job_id: string };
    const costs = await service.call('get', `/api/jobs/${job.job_id}/costs`).expect(200);
    const again = await service
      .call('post', `/api/jobs/${job.job_id}/complete`, { body: { status: 'completed' } })
      .expect(200);

    expect(costs.body.costs.breakdown).toHaveLength(costs.body.costs.total_calls as number);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.costs.total_cost_usd).toBe(costs.body.costs.total_cost_usd);
  });

  it('pages through its 250 jobs, each of them once', async () => {
    await make();
    const ids: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await service
        .call('get', '/api/teams/acme-corp/jobs', {
          query: { limit: '100', ...(cursor === null ? {} : { cursor }) },
        })
        .expect(200);
      const listed = page.body.data as { job_id: string }[];
      ids.push(...listed.map((job) => job.job_id));
      sizes.push(listed.length);
      cursor = page.body.next_cursor as string | null;
    } while (cursor !== null);

    expect(sizes).toEqual([100, 100, 50]);
    expect(new Set(ids).size).toBe(250);
  });

  it('shows nothing for demo-team in that month', async () => {
    await make();
    const usage = await service
      .call('get', '/api/teams/demo-team/usage', { query: { period: '2024-10' } })
      .expect(200);

    expect(usage.body).toMatchObject({
      summary: { total_jobs: 0, successful_jobs: 0, failed_jobs: 0, total_cost_usd: 0, avg_cost_per_job: 0 },
    });
    expect(Object.keys(usage.body.job_types as object)).toEqual([]);
  });

  it('makes four teams that can go on working, with the keys it has shown', async () => {
    const outcome = await make();
    const keys = outcome.kind === 'made' ? outcome.keys : new Map<string, string>();

    expect([...keys.keys()]).toEqual(['acme-corp', 'startup-xyz', 'beta-testing', 'demo-team']);
    for (const key of keys.values()) {
      const job = await service
        .call('post', '/api/jobs/create', { key, body: { job_type: 'test_job' } })
        .expect(200);
      await service
        .call('post', `/api/jobs/${job.body.job_id as string}/llm-call`, {
          key,
          body: { messages: MESSAGES },
        })
        .expect(200);
    }
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('changes nothing the second time', async () => {
    await make();
    const before = await content();

    expect(await make()).toEqual({ kind: 'there_already' });
    expect(await content()).toEqual(before);
  });

  it('is made once, however many make it at the same time', async () => {
    const outcomes = await Promise.all([make(), make(), make()]);

    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
      'made',
      'there_already',
      'there_already',
    ]);
    expect(await query(service.database.url, `SELECT count(*)::int AS jobs FROM jobs`)).toEqual([
      { jobs: 250 },
    ]);
  });

  it('does not mix with a team of that name that somebody else has made', async () => {
    await service
      .call('post', '/api/organizations/create', { body: { organization_id: 'real', name: 'Real' } })
      .expect(200);
    await service
      .call('post', '/api/teams/create', {
        body: { organization_id: 'real', team_id: 'acme-corp', model_groups: [] },
      })
      .expect(200);
    const before = await content();

    expect(await make()).toEqual({
      kind: 'refused',
      sentence:
        'There is a team acme-corp that is not of the demo, which would mix with it. Use another database.',
    });
    expect(await content()).toEqual(before);
  });

  it('is refused in production', async () => {
    const workplace = await makeWorkplace();
    const { code, output } = await runProgram('commands/demo.js', {
      workplace,
      environment: {
        NODE_ENV: 'production',
        DATABASE_URL: service.database.url,
        MASTER_KEY: 'sk-master-0123456789abcdef0123456789abcdef',
        ENCRYPTION_KEY: 'encryption-0123456789abcdef0123456789abcdef',
        LITELLM_BASE_URL: 'http://127.0.0.1:9',
        LITELLM_API_KEY: 'sk-service-key',
      },
    });
    await workplace.remove();

    expect(code).toBe(78);
    expect(output).toContain('The demo is not for production');
    expect(await query(service.database.url, `SELECT count(*)::int AS teams FROM teams`)).toEqual([
      { teams: 0 },
    ]);
  });
});
