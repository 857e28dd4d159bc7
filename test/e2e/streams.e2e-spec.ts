import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  completeJob,
  expectBalance,
  makeJob,
  makeTeam,
  MESSAGES,
  type TestTeam,
  WORKING_MODEL,
} from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { contentOf, framesOf, type OpenedAnswer, openStream } from '../support/streams.js';

describe('streams', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({
      environment: {
        ATTEMPT_TIMEOUT_MS: '3000',
        CALL_TIMEOUT_MS: '8000',
        STREAM_IDLE_TIMEOUT_MS: '1000',
        STREAM_DRAIN_TIMEOUT_MS: '2000',
        STREAM_KEEP_ALIVE_MS: '50',
      },
    });
    await makeTeam(service).then((team) => callOnce(team));
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  async function callOnce(team: TestTeam, body: object = {}) {
    const jobId = await makeJob(service, team);
    const answer = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES, ...body } })
      .expect(200);
    return answer.body as { response: { content: string }; metadata: Record<string, number> };
  }

  /** A stream in a new job of a new team with these models. */
  async function streamFrom(
    models: readonly string[],
    body: object = {},
    headers: Record<string, string> = {},
  ) {
    const team = await makeTeam(service, { groups: [models] });
    const jobId = await makeJob(service, team);
    const answer = await openStream(service, `/api/jobs/${jobId}/llm-call-stream`, {
      key: team.key,
      body: { messages: MESSAGES, ...body },
      headers,
    });
    return { team, jobId, answer };
  }

  async function costsOf(jobId: string) {
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    return { costs: costs.body.costs, call: costs.body.costs.breakdown[0] };
  }

  /** Waits until the job has no running call. */
  async function settledCostsOf(jobId: string) {
    for (;;) {
      const found = await costsOf(jobId);
      if (found.costs.running_calls === 0) return found;
      await sleep(20);
    }
  }

  async function readSome(answer: OpenedAnswer): Promise<void> {
    expect(await answer.next()).not.toBeNull();
  }

  it('say the same as the answer in one piece, with our ids and the group for a model', async () => {
    const { team, jobId, answer } = await streamFrom([WORKING_MODEL]);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const text = await answer.text();
    const frames = framesOf(text);
    const whole = await callOnce(team);

    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text).not.toContain(WORKING_MODEL);
    expect(contentOf(frames)).toBe(whole.response.content);
    const callId = answer.headers.get('x-call-id');
    expect(answer.headers.get('x-job-id')).toBe(jobId);
    for (const frame of frames) {
      expect([frame.id, frame.object, frame.model]).toEqual([
        `chatcmpl-${String(callId)}`,
        'chat.completion.chunk',
        team.groups[0],
      ]);
    }
    expect(frames[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(frames.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(frames.at(-1)?.choices).toEqual([]);
    expect(frames.at(-1)?.usage).toMatchObject({
      prompt_tokens: whole.metadata.prompt_tokens,
      completion_tokens: whole.metadata.completion_tokens,
    });
  });

  it('are on record with usage, cost and the time of the first byte', async () => {
    const { team, jobId, answer } = await streamFrom([WORKING_MODEL]);
    const usage = framesOf(await answer.text()).at(-1)!.usage!;
    const { call } = await costsOf(jobId);

    expect(call).toMatchObject({ status: 'succeeded', is_unpriced: false, ...usageOf(usage) });
    const [attempt] = call.attempts;
    expect(attempt).toMatchObject({ status: 'succeeded', cost_source: 'upstream_usage' });
    // 0.15 and 0.60 USD a million tokens.
    expect(attempt.cost_usd).toBeCloseTo(
      (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6,
      12,
    );
    expect(attempt.first_byte_ms).toBeLessThanOrEqual(attempt.latency_ms);
    const job = await service.call('get', `/api/jobs/${jobId}`, {
      key: team.key,
      query: { expand: 'calls' },
    });
    expect(job.body.calls[0]).toMatchObject({ is_stream: true, kind: 'chat', status: 'succeeded' });
  });

  function usageOf(usage: { prompt_tokens: number; completion_tokens: number }) {
    const { prompt_tokens, completion_tokens } = usage;
    return { prompt_tokens, completion_tokens };
  }

  it('come by `stream: true` on the plain route, too', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const answer = await openStream(service, `/api/jobs/${jobId}/llm-call`, {
      key: team.key,
      body: { messages: MESSAGES, stream: true },
    });
    expect(await answer.text()).toMatch(/data: \[DONE\]\n\n$/);
  });

  it.each([
    ['fault-status-500', 502, 'upstream_failed'],
    ['fault-bad-request', 400, 'upstream_rejected_request'],
    ['fault-hang', 504, 'upstream_timeout'],
    ['fault-reset', 502, 'upstream_failed'],
  ])(
    'that fail before their first byte, as of %s, are problems with their status',
    async (model, status, code) => {
      const { jobId, answer } = await streamFrom([model]);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(JSON.parse(await answer.text())).toMatchObject({ status, code });
      expect((await costsOf(jobId)).call).toMatchObject({ status: 'failed' });
    },
  );

  it('fall back before their first byte, with a row for each attempt', async () => {
    const { jobId, answer } = await streamFrom(['fault-status-503', 'fault-reset', WORKING_MODEL]);
    expect(framesOf(await answer.text()).at(-1)?.usage).toBeDefined();
    const { call } = await costsOf(jobId);
    expect((call.attempts as { status: string }[]).map((attempt) => attempt.status)).toEqual([
      'failed',
      'failed',
      'succeeded',
    ]);
  });

  it.each(['fault-late-error', 'fault-cut', 'fault-reset-mid', 'fault-hang-body', 'fault-malformed'])(
    'that break off, as of %s, end with an error frame and are partial; nothing is tried again',
    async (model) => {
      const { team, jobId, answer } = await streamFrom([model, WORKING_MODEL]);
      expect(answer.status).toBe(200);
      const text = await answer.text();
      const frames = framesOf(text);
      expect(text).not.toContain('[DONE]');
      expect(frames.length).toBeGreaterThan(1);
      expect(frames.at(-1)?.error).toMatchObject({ type: 'api_error', code: 'upstream_stream_broken' });
      expect(JSON.stringify(frames.at(-1))).not.toMatch(/sandbox|litellm|fault/i);
      const { costs, call } = await costsOf(jobId);
      expect(call).toMatchObject({ status: 'partial', is_unpriced: true });
      expect(call.attempts).toEqual([
        expect.objectContaining({ status: 'partial', is_estimated: true, cost_source: 'unpriced' }),
      ]);
      expect(costs).toMatchObject({ successful_calls: 0, failed_calls: 1 });
      await completeJob(service, team, jobId);
      // All calls have failed, so the job is free.
      await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
    },
  );

  it('are read to their end for a client that leaves, whose call counts as successful', async () => {
    const { team, jobId, answer } = await streamFrom(['fault-chunks-20+chunk-delay-20']);
    await readSome(answer);
    answer.leave();
    const { costs, call } = await settledCostsOf(jobId);
    expect(call).toMatchObject({ status: 'client_disconnected', is_unpriced: false });
    expect(call.attempts).toEqual([
      expect.objectContaining({ status: 'succeeded', is_estimated: false, cost_source: 'upstream_usage' }),
    ]);
    expect(costs).toMatchObject({ successful_calls: 1, failed_calls: 0 });
    await completeJob(service, team, jobId);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('are not read for longer than the bound for a client that leaves', async () => {
    const { jobId, answer } = await streamFrom(['fault-chunks-1000+chunk-delay-20']);
    await readSome(answer);
    answer.leave();
    const { call } = await settledCostsOf(jobId);
    expect(call).toMatchObject({ status: 'client_disconnected', is_unpriced: true });
    expect(call.attempts).toEqual([
      expect.objectContaining({
        status: 'canceled',
        failure: 'client_disconnected',
        is_estimated: true,
        cost_source: 'unpriced',
      }),
    ]);
    expect(call.completion_tokens).toBeGreaterThan(0);
  });

  it('keep their clients awake while the model is silent', async () => {
    const { answer } = await streamFrom(['fault-chunks-3+chunk-delay-300']);
    expect(await answer.text()).toContain('\n\n: keep-alive\n\n');
  });

  it('with a key are replayed byte for byte, and nothing is sent again', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const send = () =>
      openStream(service, `/api/jobs/${jobId}/llm-call-stream`, {
        key: team.key,
        body: { messages: MESSAGES },
        headers: { 'idempotency-key': 'a stream' },
      });
    const first = await send();
    const text = await first.text();
    const served = service.sandbox.servedCount();
    const second = await send();
    expect(await second.text()).toBe(text);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(second.headers.get('x-call-id')).toBe(first.headers.get('x-call-id'));
    expect(service.sandbox.servedCount()).toBe(served);
  });

  it('with a key that their client has left are replayed as a whole', async () => {
    const team = await makeTeam(service, { groups: [['fault-chunks-20+chunk-delay-20']] });
    const jobId = await makeJob(service, team);
    const send = () =>
      openStream(service, `/api/jobs/${jobId}/llm-call-stream`, {
        key: team.key,
        body: { messages: MESSAGES },
        headers: { 'idempotency-key': 'left' },
      });
    const first = await send();
    await readSome(first);
    const early = await send();
    expect([early.status, JSON.parse(await early.text()).code]).toEqual([409, 'idempotency_in_progress']);
    first.leave();
    await settledCostsOf(jobId);
    const text = await readWhenStored(send);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(framesOf(text).filter((frame) => (frame.choices[0]?.delta.content ?? '') !== '')).toHaveLength(20);
    expect((await costsOf(jobId)).costs.total_calls).toBe(1);
  });

  /** The call is on record a moment before its answer is. */
  async function readWhenStored(send: () => Promise<OpenedAnswer>): Promise<string> {
    for (;;) {
      const answer = await send();
      const text = await answer.text();
      if (answer.status === 200) return text;
      expect(answer.status).toBe(409);
      await sleep(20);
    }
  }

  it('do not let a client that reads nothing hold them for ever', async () => {
    const stalled = await startTestService({
      database: service.database,
      environment: { STREAM_STALL_TIMEOUT_MS: '100', STREAM_DISCONNECT: 'cancel' },
    });
    try {
      const team = await makeTeam(stalled, { groups: [['fault-chunks-10000']] });
      const jobId = await makeJob(stalled, team);
      const answer = await openStream(stalled, `/api/jobs/${jobId}/llm-call-stream`, {
        key: team.key,
        // More than what lies in buffers on the way.
        body: { messages: MESSAGES, n: 8 },
      });
      await readSome(answer);
      const { call } = await settledCostsOf(jobId);
      expect(call).toMatchObject({ status: 'client_disconnected' });
      answer.leave();
    } finally {
      await stalled.stop();
    }
  });

  it('stop the model where the deployment wants that, and guess what it has used', async () => {
    const canceling = await startTestService({
      database: service.database,
      environment: { STREAM_DISCONNECT: 'cancel' },
    });
    try {
      const team = await makeTeam(canceling, { groups: [['fault-chunks-1000+chunk-delay-20']] });
      const jobId = await makeJob(canceling, team);
      const answer = await openStream(canceling, `/api/jobs/${jobId}/llm-call-stream`, {
        key: team.key,
        body: { messages: MESSAGES },
      });
      await readSome(answer);
      answer.leave();
      const { call } = await settledCostsOf(jobId);
      expect(call).toMatchObject({ status: 'client_disconnected', is_unpriced: true });
      expect(call.attempts[0]).toMatchObject({ status: 'canceled', is_estimated: true });
    } finally {
      await canceling.stop();
    }
  });
});
