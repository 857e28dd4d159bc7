import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

describe('the full chain', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  it('goes from an organization to a charged job', async () => {
    const organization = await service
      .call('post', '/api/organizations/create', {
        body: { organization_id: 'acme-corp', name: 'Acme', metadata: { tier: 'enterprise' } },
      })
      .expect(200);
    expect(organization.body).toMatchObject({
      organization_id: 'acme-corp',
      metadata: { tier: 'enterprise' },
    });

    const group = await service
      .call('post', '/api/model-groups/create', {
        body: {
          group_name: 'ChatFast',
          display_name: 'Fast Chat',
          models: [
            { model_name: 'gpt-4o-mini', priority: 1 },
            { model_name: 'gpt-3.5-turbo', priority: 0 },
          ],
        },
      })
      .expect(200);
    expect(group.body.models).toEqual([
      { model_name: 'gpt-3.5-turbo', priority: 0, weight: 1, is_active: true },
      { model_name: 'gpt-4o-mini', priority: 1, weight: 1, is_active: true },
    ]);

    const team = await service
      .call('post', '/api/teams/create', {
        body: {
          organization_id: 'acme-corp',
          team_id: 'engineering-team',
          team_alias: 'Engineering',
          model_groups: ['ChatFast'],
          credits_allocated: 100,
        },
      })
      .expect(200);
    expect(team.body).toMatchObject({
      team_id: 'engineering-team',
      status: 'active',
      model_groups: ['ChatFast'],
      credits_allocated: 100,
      credits_used: 0,
      credits_remaining: 100,
    });
    const key = team.body.virtual_key as string;
    expect(key).toMatch(/^sk-[0-9A-Za-z]{49}$/);

    const job = await service
      .call('post', '/api/jobs/create', { key, body: { job_type: 'support, chat', metadata: { ticket: 7 } } })
      .expect(200);
    expect(job.body).toMatchObject({ status: 'pending', credits_held: 1, started_at: null });
    const jobId = job.body.job_id as string;

    const call = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        key,
        body: {
          model_group: 'ChatFast',
          messages: [{ role: 'user', content: 'How do I reset my password?' }],
          purpose: 'initial_response',
          temperature: 0.7,
          max_tokens: null,
        },
      })
      .expect(200);
    const { prompt_tokens: prompt, completion_tokens: completion } = call.body.metadata as Record<
      string,
      number
    >;
    expect(call.body).toEqual({
      call_id: expect.any(String),
      response: { content: expect.any(String), role: 'assistant', finish_reason: 'stop' },
      metadata: {
        tokens_used: prompt! + completion!,
        prompt_tokens: prompt,
        completion_tokens: completion,
        cached_tokens: 0,
        reasoning_tokens: 0,
        latency_ms: expect.any(Number),
        model_group: 'ChatFast',
      },
    });

    const running = await service.call('get', `/api/jobs/${jobId}`, { key }).expect(200);
    expect(running.body).toMatchObject({ status: 'in_progress', metadata: { ticket: 7 } });
    expect(running.body.started_at).not.toBeNull();

    const completed = await service
      .call('post', `/api/jobs/${jobId}/complete`, {
        key,
        body: { status: 'Completed', error_message: null, metadata: { output: 'a.pdf' } },
      })
      .expect(200);
    // The sandbox's published price of gpt-3.5-turbo: 0.50 and 1.50 USD per million tokens.
    const cost = new Decimal(prompt!).times('0.0000005').plus(new Decimal(completion!).times('0.0000015'));
    expect(completed.body).toEqual({
      job_id: jobId,
      status: 'completed',
      completed_at: expect.any(String),
      costs: {
        total_calls: 1,
        successful_calls: 1,
        failed_calls: 0,
        total_tokens: prompt! + completion!,
        total_cost_usd: cost.toNumber(),
        unpriced_calls: 0,
        avg_latency_ms: call.body.metadata.latency_ms,
        charge_rule: 'completed',
        credits_shortfall: 0,
        credit_applied: true,
        credits_charged: 1,
        credits_remaining: 99,
      },
    });

    const ended = await service.call('get', `/api/jobs/${jobId}`, { key }).expect(200);
    expect(ended.body).toMatchObject({
      status: 'completed',
      metadata: { ticket: 7, output: 'a.pdf' },
      credits_held: 0,
      credit_applied: true,
      credits_charged: 1,
    });

    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    expect(costs.body.costs.breakdown).toEqual([
      expect.objectContaining({
        call_id: call.body.call_id,
        model: 'gpt-3.5-turbo',
        purpose: 'initial_response',
        prompt_tokens: prompt,
        completion_tokens: completion,
        cost_usd: cost.toNumber(),
        attempts: [
          expect.objectContaining({ number: 1, status: 'succeeded', cost_source: 'upstream_header' }),
        ],
      }),
    ]);
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('tells that a thing exists in words that the seeds look for', async () => {
    const requests = [
      ['/api/organizations/create', { organization_id: 'acme-corp', name: 'Again' }, 'organization'],
      ['/api/model-groups/create', { group_name: 'ChatFast', models: [{ model_name: 'm' }] }, 'model_group'],
      [
        '/api/teams/create',
        { organization_id: 'acme-corp', team_id: 'engineering-team', model_groups: [] },
        'team',
      ],
    ] as const;
    for (const [path, body, thing] of requests) {
      const answer = await service.call('post', path, { body }).expect(400);
      expect(answer.body.code).toBe(`${thing}_already_exists`);
      expect(answer.body.detail).toContain('already exists');
    }
  });

  it('sends the upstream what ties its records to ours, and none of our own fields', () => {
    const [sent] = service.sandbox.served;
    expect(sent?.headers).toMatchObject({
      'x-litellm-num-retries': '0',
      'x-litellm-end-user-id': 'engineering-team',
      'x-litellm-tags': 'org:acme-corp,team:engineering-team,job_type:support%2C chat',
    });
    expect(Object.keys(sent?.body as object).sort()).toEqual(['messages', 'model', 'temperature']);
  });
});
