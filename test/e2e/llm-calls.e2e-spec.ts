import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { query } from '../support/database.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';

async function warmUp(upstreamUrl: string): Promise<void> {
  await fetch(`${upstreamUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'any', messages: MESSAGES }),
  });
}

describe('LLM calls', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({
      environment: { ATTEMPT_TIMEOUT_MS: '1000', CALL_TIMEOUT_MS: '2500' },
    });
    // The sandbox loads its tokenizer with its first answer, which would count against the timeouts.
    await warmUp(service.sandbox.baseUrl);
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  /** One call in a job of a team whose only group has these models. */
  async function callModels(...models: string[]) {
    const team = await makeTeam(service, { groups: [models] });
    const jobId = await makeJob(service, team);
    const answer = await callIn(team, jobId);
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    return { answer, costs: costs.body.costs, call: costs.body.costs.breakdown[0] };
  }

  function callIn(team: TestTeam, jobId: string, body: object = {}) {
    return service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES, ...body } })
      .then((answer) => answer);
  }

  it.each([
    ['fault-status-500', 'failed', 'upstream_error'],
    ['fault-status-503', 'failed', 'upstream_error'],
    ['fault-rate-limit-1', 'failed', 'rate_limited'],
    ['fault-status-408', 'timed_out', 'timeout'],
    ['fault-status-402', 'failed', 'upstream_error'],
    ['fault-status-403', 'failed', 'provider_key_refused'],
    ['fault-invalid-model', 'failed', 'unknown_model'],
    ['fault-context-window', 'failed', 'context_window_exceeded'],
    ['fault-provider-auth', 'failed', 'provider_key_refused'],
    ['fault-reset', 'failed', 'connection_failed'],
    ['fault-cut', 'failed', 'connection_failed'],
    ['fault-hang', 'timed_out', 'timeout'],
    ['fault-hang-body', 'timed_out', 'timeout'],
    ['fault-malformed', 'failed', 'malformed_answer'],
    ['fault-html', 'failed', 'malformed_answer'],
    ['fault-no-choices', 'failed', 'malformed_answer'],
  ])('fall back after %s, with a row for each attempt', async (model, status, failure) => {
    const { answer, costs, call } = await callModels(model, 'gpt-4o-mini');
    expect(answer.status).toBe(200);
    expect(costs).toMatchObject({ total_calls: 1, successful_calls: 1, failed_calls: 0 });
    expect(call).toMatchObject({ status: 'succeeded', model: 'gpt-4o-mini' });
    expect(call.attempts).toEqual([
      expect.objectContaining({ number: 1, model, status, failure }),
      expect.objectContaining({ number: 2, model: 'gpt-4o-mini', status: 'succeeded', failure: null }),
    ]);
  });

  it.each([
    ['fault-bad-request', 400, 'upstream_rejected_request'],
    ['fault-content-policy', 400, 'upstream_rejected_request'],
    ['fault-status-422', 400, 'upstream_rejected_request'],
    ['fault-auth', 502, 'upstream_failed'],
  ])('stop at %s, which the next model would refuse too', async (model, status, code) => {
    const { answer, call } = await callModels(model, 'gpt-4o-mini');
    expect(answer.status).toBe(status);
    expect(answer.body.code).toBe(code);
    expect(call.attempts).toHaveLength(1);
    expect(call.status).toBe('failed');
  });

  it('fail with 502 when every model failed, and forbid a retry that would spend again', async () => {
    const { answer, costs } = await callModels('fault-status-500', 'fault-reset');
    expect(answer.status).toBe(502);
    expect(answer.body.code).toBe('upstream_failed');
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(costs).toMatchObject({ total_calls: 1, successful_calls: 0, failed_calls: 1, running_calls: 0 });
  });

  it('fail with 504 when every model timed out', async () => {
    const { answer, costs } = await callModels('fault-hang', 'fault-hang-body');
    expect(answer.status).toBe(504);
    expect(answer.body.code).toBe('upstream_timeout');
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(costs.unpriced_calls).toBe(1);
  });

  it('end when their whole time is up, however many models are left', async () => {
    const { answer, call } = await callModels(
      ...Array.from({ length: 9 }, (_, index) => `fault-hang+delay-${String(index)}`),
    );
    expect(answer.status).toBe(504);
    expect(call.attempts.length).toBeLessThan(9);
  });

  it('tell nothing of models, providers or hosts in an error', async () => {
    const { answer, call } = await callModels('fault-status-500', 'fault-context-window');
    expect(call.attempts[0].upstream_error).toContain('SandboxProviderException');
    const seen = JSON.stringify([answer.body, answer.headers]).toLowerCase();
    for (const secret of ['litellm', 'sandbox', 'fault-', 'provider', '127.0.0.1', 'exception']) {
      expect(seen).not.toContain(secret);
    }
  });

  it('tell nothing of the upstream in the headers of an answer', async () => {
    const { answer } = await callModels('gpt-4o-mini');
    const { content: _content, ...response } = answer.body.response as Record<string, unknown>;
    const seen = JSON.stringify([{ ...answer.body, response }, answer.headers]).toLowerCase();
    for (const secret of ['litellm', 'sandbox', 'gpt', 'cost']) expect(seen).not.toContain(secret);
  });

  it.each([
    ['fault-no-cost', 'unpriced'],
    ['fault-cost-NaN', 'refused'],
    ['fault-cost--1', 'refused'],
    ['fault-cost-Infinity', 'refused'],
    ['fault-cost-abc', 'refused'],
  ])('are unpriced, never free, with %s', async (model, source) => {
    const { answer, costs, call } = await callModels(model);
    expect(answer.status).toBe(200);
    expect(costs).toMatchObject({ unpriced_calls: 1, total_cost_usd: 0 });
    expect(call.attempts[0]).toMatchObject({ cost_usd: null, cost_source: source });
  });

  it('keep the cost to the last digit that the upstream wrote, up to twelve', async () => {
    const { costs, call } = await callModels('fault-cost-7.5e-08');
    expect(call.attempts[0]).toMatchObject({ cost_usd: 7.5e-8, cost_source: 'upstream_header' });
    expect(costs.total_cost_usd).toBe(7.5e-8);
  });

  it('add up costs in decimals: ten times 0.1 is 1', async () => {
    const team = await makeTeam(service, { groups: [['fault-cost-0.1']] });
    const jobId = await makeJob(service, team);
    for (let index = 0; index < 10; index += 1) expect((await callIn(team, jobId)).status).toBe(200);
    const completed = await service
      .call('post', `/api/jobs/${jobId}/complete`, { key: team.key, body: { status: 'completed' } })
      .expect(200);
    expect(completed.body.costs).toMatchObject({ total_calls: 10, total_cost_usd: 1 });
  });

  it('without usage have a guess, a token per four characters, and keep the cost', async () => {
    const { answer, call } = await callModels('fault-no-usage');
    const tokensOf = (text: string) => Math.ceil(text.length / 4);
    const guess = {
      prompt_tokens: tokensOf(MESSAGES[0].content),
      completion_tokens: tokensOf(String(answer.body.response.content)),
    };
    expect(answer.body.metadata).toMatchObject(guess);
    expect(call.attempts[0]).toMatchObject({ ...guess, cost_source: 'upstream_header' });
  });

  it('without content answer null', async () => {
    const { answer } = await callModels('fault-null-content');
    expect(answer.body.response.content).toBeNull();
  });

  it('give up an answer that is larger than the limit, with its cost kept', async () => {
    const upstream = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'x-litellm-response-cost': '0.5' }).end('x'.repeat(5_000));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const limited = await startTestService({
      database: service.database,
      upstreamUrl: `http://127.0.0.1:${String(port)}`,
      environment: { UPSTREAM_MAX_ANSWER_BYTES: '1024' },
    });
    try {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await limited
        .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
        .expect(502);
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs.breakdown[0].attempts).toEqual([
        expect.objectContaining({ failure: 'malformed_answer', cost_usd: 0.5 }),
      ]);
    } finally {
      await limited.stop();
      upstream.close();
    }
  });

  it('cost nothing when nothing could be sent, and may then be retried', async () => {
    const unreachable = await startTestService({
      database: service.database,
      upstreamUrl: 'http://127.0.0.1:9',
    });
    try {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const answer = await unreachable
        .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
        .expect(502);
      expect(answer.headers['x-should-retry']).toBeUndefined();
      const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
      expect(costs.body.costs).toMatchObject({ total_cost_usd: 0, unpriced_calls: 0, failed_calls: 1 });
      expect(costs.body.costs.breakdown[0].attempts[0].cost_source).toBe('not_sent');
    } finally {
      await unreachable.stop();
    }
  });

  it('have their row and attempt committed before anything leaves', async () => {
    const team = await makeTeam(service, { groups: [['fault-delay-800']] });
    const jobId = await makeJob(service, team);
    const running = callIn(team, jobId);
    while (service.sandbox.servedCount('fault-delay-800') === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const rows = await query(
      service.database.url,
      `SELECT calls.status AS call, attempts.status AS attempt, model_name
         FROM llm_calls calls JOIN llm_attempts attempts USING (team_id, call_id) WHERE job_id = $1`,
      [jobId],
    );
    expect(rows).toEqual([{ call: 'in_flight', attempt: 'in_flight', model_name: 'fault-delay-800' }]);
    expect((await running).status).toBe(200);
  });

  it('use the first group of the team when none is named', async () => {
    const team = await makeTeam(service, { groups: [['gpt-4o'], ['gpt-4o-mini']] });
    const jobId = await makeJob(service, team);
    expect((await callIn(team, jobId)).body.metadata.model_group).toBe(team.groups[0]);
    expect((await callIn(team, jobId, { model_group: null })).body.metadata.model_group).toBe(team.groups[0]);
    expect((await callIn(team, jobId, { model_group: team.groups[1] })).body.metadata.model_group).toBe(
      team.groups[1],
    );
  });

  it('are refused for a group that the team lacks, whether or not it exists', async () => {
    const team = await makeTeam(service);
    const other = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const foreign = await callIn(team, jobId, { model_group: other.groups[0] });
    const unknown = await callIn(team, jobId, { model_group: 'nothing' });
    expect([foreign.status, unknown.status]).toEqual([403, 403]);
    expect([foreign.body.code, unknown.body.code]).toEqual([
      'model_group_forbidden',
      'model_group_forbidden',
    ]);
    const byAdmin = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { body: { messages: MESSAGES, model_group: 'nothing' } })
      .expect(404);
    expect(byAdmin.body.code).toBe('model_group_not_found');
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    expect(costs.body.costs.total_calls).toBe(0);
  });

  it('are refused for a team without a group', async () => {
    const team = await makeTeam(service, { groups: [] });
    const answer = await callIn(team, await makeJob(service, team));
    expect(answer.status).toBe(403);
  });

  it('pass on what the client set, and nothing that it left out', async () => {
    const team = await makeTeam(service, { groups: [['gpt-4-turbo']] });
    const jobId = await makeJob(service, team);
    await callIn(team, jobId, { temperature: 0, max_tokens: 5, stop: ['END'], seed: 7, top_p: null });
    const sent = service.sandbox.served.findLast((request) => request.model === 'gpt-4-turbo');
    expect(sent?.body).toEqual({
      model: 'gpt-4-turbo',
      messages: MESSAGES,
      temperature: 0,
      max_tokens: 5,
      stop: ['END'],
      seed: 7,
    });
  });

  it('pass on tools, what they answered and the form of the answer, without nulls of the client', async () => {
    const team = await makeTeam(service, { groups: [['gpt-4o']] });
    const jobId = await makeJob(service, team);
    const parameters = { type: 'object', properties: { size: { default: null } } };
    const toolCall = { id: 'call_1', type: 'function', function: { name: 'measure', arguments: '{}' } };
    const answer = await callIn(team, jobId, {
      messages: [
        ...MESSAGES,
        { role: 'assistant', content: null, refusal: null, tool_calls: [toolCall] },
        { role: 'tool', tool_call_id: 'call_1', content: '17' },
      ],
      tools: [
        { type: 'function', function: { name: 'measure', description: null, parameters, strict: null } },
      ],
      tool_choice: 'auto',
      response_format: { type: 'json_object' },
      stream: false,
    });
    expect(answer.status).toBe(200);
    const sent = service.sandbox.served.findLast((request) => request.model === 'gpt-4o');
    expect(sent?.body).toEqual({
      model: 'gpt-4o',
      messages: [
        ...MESSAGES,
        { role: 'assistant', content: null, tool_calls: [toolCall] },
        { role: 'tool', tool_call_id: 'call_1', content: '17' },
      ],
      tools: [{ type: 'function', function: { name: 'measure', parameters } }],
      tool_choice: 'auto',
      response_format: { type: 'json_object' },
    });
  });

  it('hide what they cost from a team that sees no costs', async () => {
    const team = await makeTeam(service, { costVisibility: 'none' });
    const jobId = await makeJob(service, team);
    await callIn(team, jobId);
    const end = (key: string | undefined) =>
      service
        .call('post', `/api/jobs/${jobId}/complete`, {
          ...(key !== undefined && { key }),
          body: { status: 'completed' },
        })
        .expect(200);
    const own = await end(team.key);
    expect(Object.keys(own.body.costs as object)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/cost|priced/)]),
    );
    expect((await end(undefined)).body.costs.total_cost_usd).toBeGreaterThan(0);
    const usage = await service.call('get', `/api/teams/${team.teamId}/usage`, { key: team.key }).expect(200);
    expect(JSON.stringify(usage.body)).not.toMatch(/cost|priced/);
    await service.call('get', `/api/jobs/${jobId}/costs`, { key: team.key }).expect(403);
  });
});
