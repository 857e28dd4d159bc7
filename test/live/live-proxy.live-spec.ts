import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { startLitellm } from '../../litellm/start.mjs';
import { type Sandbox, startSandbox } from '../../src/gateway/sandbox/sandbox.server.js';
import { completeJob, expectBalance, makeJob, makeTeam, MESSAGES } from '../support/factories.js';
import { makeWorkplace, freePort, runCommand, startServer } from '../support/server-process.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

const SERVICE_KEY = 'sk-live-tests';

/** The whole way with nothing replaced but the provider: service, LiteLLM proxy, sandbox. */
describe('through a real LiteLLM proxy', () => {
  let provider: Sandbox;
  let proxy: Awaited<ReturnType<typeof startLitellm>>;
  let service: TestService;
  /** What runs, the last started first: a setup that breaks off must leave nothing that listens, or Jest never ends. */
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    provider = await startSandbox();
    stops.unshift(() => provider.stop());
    proxy = await startLitellm({
      port: await freePort(),
      sandboxBaseUrl: provider.baseUrl,
      masterKey: SERVICE_KEY,
    });
    stops.unshift(() => proxy.stop());
    service = await startTestService({
      upstreamUrl: proxy.baseUrl,
      environment: { LITELLM_API_KEY: SERVICE_KEY, ATTEMPT_TIMEOUT_MS: '8000', CALL_TIMEOUT_MS: '20000' },
    });
    stops.unshift(() => service.stop());
  }, 1_200_000);

  afterAll(async () => {
    try {
      expect(await ledgerDifferences(service.database.url)).toEqual([]);
    } finally {
      for (const stop of stops) await stop();
    }
  }, 60_000);

  /** One call in a job of a team whose only group has these models. */
  async function callModels(...models: string[]) {
    const team = await makeTeam(service, { groups: [models] });
    const jobId = await makeJob(service, team);
    provider.reset();
    const answer = await service.call('post', `/api/jobs/${jobId}/llm-call`, {
      key: team.key,
      body: { messages: MESSAGES },
    });
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    return { team, jobId, answer, call: costs.body.costs.breakdown[0] };
  }

  it('a completed job is charged, and its cost is tokens times the configured price', async () => {
    const { team, jobId, answer, call } = await callModels('gpt-4o-mini');
    expect(answer.status).toBe(200);
    const { prompt_tokens: prompt, completion_tokens: completion } = answer.body.metadata as Record<
      string,
      number
    >;
    // "How do I reset my password?" is 7 tokens of o200k_base; OpenAI adds 3 for the message, 1 for its
    // role and 3 for the answer's start.
    expect(prompt).toBe(14);
    expect(completion).toBeGreaterThan(0);
    // litellm/config.yaml: 0.15 and 0.60 USD per million tokens.
    const cost = new Decimal(14).times('0.00000015').plus(new Decimal(completion!).times('0.0000006'));
    expect(call).toMatchObject({ cost_usd: cost.toNumber(), is_unpriced: false, model: 'gpt-4o-mini' });
    expect(call.attempts).toEqual([expect.objectContaining({ cost_source: 'upstream_header' })]);
    expect(provider.servedCount()).toBe(1);
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it.each([
    ['always-failing', 'upstream_error', 'upstream_header'],
    ['bad-provider-key', 'provider_key_refused', 'upstream_header'],
    ['always-reset', 'upstream_error', 'unpriced'],
    ['a-model-nobody-knows', 'unknown_model', 'upstream_header'],
  ])(
    'falls back after %s, with one request to the provider for each attempt',
    async (model, failure, source) => {
      const { answer, call } = await callModels(model, 'gpt-4o-mini');
      expect(answer.status).toBe(200);
      expect(call.model).toBe('gpt-4o-mini');
      expect(call.attempts).toEqual([
        expect.objectContaining({ model, failure, cost_source: source }),
        expect.objectContaining({ model: 'gpt-4o-mini', status: 'succeeded' }),
      ]);
      expect(provider.servedCount()).toBe(failure === 'unknown_model' ? 1 : 2);
    },
  );

  it('stops at a request that the provider refuses', async () => {
    const { answer, call } = await callModels('always-refused', 'gpt-4o-mini');
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('upstream_rejected_request');
    expect(call.attempts).toHaveLength(1);
    expect(provider.servedCount()).toBe(1);
  });

  it('fails without a word of models, providers or hosts, and is free then', async () => {
    const { team, jobId, answer, call } = await callModels('always-failing');
    expect(answer.status).toBe(502);
    expect(call.attempts[0].upstream_error).toContain('litellm.InternalServerError');
    const seen = JSON.stringify([answer.body, answer.headers]).toLowerCase();
    for (const secret of ['litellm', 'openai', 'always-failing', '127.0.0.1', 'sandbox']) {
      expect(seen).not.toContain(secret);
    }
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('times out when the provider hangs, with the cost unknown', async () => {
    const { answer, call } = await callModels('always-hanging');
    expect(answer.status).toBe(504);
    expect(call.attempts).toEqual([
      expect.objectContaining({ status: 'timed_out', cost_usd: null, cost_source: 'unpriced' }),
    ]);
  }, 60_000);

  it.each(['no-price', 'missing-usage'])('leaves %s unpriced, never free', async (model) => {
    const { answer, call } = await callModels(model);
    expect(answer.status).toBe(200);
    expect(call).toMatchObject({ is_unpriced: true });
    expect(call.attempts[0]).toMatchObject({ cost_usd: null, cost_source: 'unpriced' });
  });

  it('takes a refused service key for a fault of ours, and tries no further model', async () => {
    const wrongKey = await startTestService({
      database: service.database,
      upstreamUrl: proxy.baseUrl,
      environment: { LITELLM_API_KEY: 'sk-wrong' },
    });
    try {
      const team = await makeTeam(service, { groups: [['gpt-4o-mini', 'gpt-4o']] });
      const jobId = await makeJob(service, team);
      const answer = await wrongKey
        .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
        .expect(502);
      expect(answer.body.code).toBe('upstream_failed');
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs.breakdown[0].attempts).toEqual([
        expect.objectContaining({ failure: 'service_key_refused' }),
      ]);
    } finally {
      await wrongKey.stop();
    }
  });

  it('keeps our own headers from the provider', async () => {
    const { team, jobId } = await callModels('gpt-4o-mini');
    const seen = JSON.stringify(provider.served.map((request) => [request.headers, request.body]));
    for (const ours of [team.teamId, team.organizationId, jobId]) expect(seen).not.toContain(ours);
  });

  it.each([
    ['python3', 'examples/full_chain.py'],
    ['node', 'examples/full_chain.mjs'],
    ['bash', 'examples/full_chain.sh'],
  ])(
    'serves the example client of %s',
    async (program, file) => {
      const workplace = await makeWorkplace();
      const server = await startServer({
        workplace,
        environment: { LITELLM_BASE_URL: proxy.baseUrl, LITELLM_API_KEY: SERVICE_KEY },
      });
      try {
        const { code, output } = await runCommand(program, [file], { BASE_URL: server.baseUrl });
        expect(output).toContain('OK: 1 credit charged for 1 completed job');
        expect(code).toBe(0);
      } finally {
        await server.end('SIGTERM');
        await workplace.remove();
      }
    },
    120_000,
  );
});
