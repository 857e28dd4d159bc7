import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { startLitellm } from '../../litellm/start.mjs';
import { type Sandbox, startSandbox } from '../../src/gateway/sandbox/sandbox.server.js';
import { expectBalance, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { CLIENTS, type Facts, type Place, runClient, sameEverywhere } from '../support/openai-clients.js';
import { type RecordingRelay, startRecordingRelay } from '../support/recording-relay.js';
import { freePort } from '../support/server-process.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { prepareClients } from './clients/prepare.mjs';

const SERVICE_KEY = 'sk-live-tests';
const RUN_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 30_000;

/** As litellm/config.yaml has them, in USD per token. */
const PRICES: Readonly<Record<string, { input: string; output: string }>> = {
  'gpt-4o-mini': { input: '0.00000015', output: '0.00000060' },
  'text-embedding-3-small': { input: '0.00000002', output: '0' },
  'slow-stream': { input: '0.00000050', output: '0.00000150' },
};
const MODELS = ['gpt-4o-mini', 'text-embedding-3-small', 'always-failing', 'slow-stream'];

/** What the scenario sends and has no other way to say. */
const WRONG_KEY = 'sk-nobody-has-this-key';
const UNKNOWN_MODEL = 'no-such-model';
const QUESTION = 'How do I reset my password?';
const WEATHER = '31 degrees and a clear sky';

let python: string;
let provider: Sandbox;
let proxy: Awaited<ReturnType<typeof startLitellm>>;
let service: TestService;
/** What runs, the last started first: a setup that breaks off must leave nothing that listens, or Jest never ends. */
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  python = await prepareClients();
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
    // One client's failures must not give the next one's model a rest.
    environment: { LITELLM_API_KEY: SERVICE_KEY, BREAKER_FAILURES: '0' },
  });
  stops.unshift(() => service.stop());
}, 1_800_000);

afterAll(async () => {
  try {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  } finally {
    for (const stop of stops) await stop();
  }
}, 60_000);

describe.each(CLIENTS)('$name, with another base URL and key', (client) => {
  const { script, served, failing, classes, tells } = client;
  let relay: RecordingRelay;
  let team: TestTeam;
  let poor: TestTeam;
  let facts: Facts;
  let output: string;
  let chatGroup: string;
  let embeddingGroup: string;
  let failingGroup: string;

  beforeAll(async () => {
    team = await makeTeam(service, { groups: MODELS.map((model) => [model]) });
    poor = await makeTeam(service, { credits: 0 });
    const place = { ...placeOf(team), penniless: poor.key };
    ({ chat: chatGroup, embedding: embeddingGroup, failing: failingGroup } = place);
    relay = await startRecordingRelay(service.baseUrl);
    stops.unshift(() => relay.stop());
    const baseUrl = `${relay.baseUrl}/v1`;
    ({ facts, output } = await runClient(script, python, { ...place, baseUrl }));
    await settle(team);
  }, RUN_TIMEOUT_MS);

  it('reads an answer, and the same one piece by piece with its usage', () => {
    const { chat, stream } = facts;
    expect(chat.id).toMatch(/^chatcmpl-[0-9a-f-]{36}$/);
    expect(chat.content).toContain(QUESTION);
    // Fourteen tokens: see live-proxy.live-spec.ts.
    expect(chat.usage.prompt).toBe(14);
    expect(chat.usage.total).toBe(14 + chat.usage.completion);
    expect(stream.ids).toHaveLength(1);
    expect(stream.ids[0]).toMatch(/^chatcmpl-[0-9a-f-]{36}$/);
    expect(stream.deltas).toBeGreaterThan(5);
    expect(stream.content).toBe(chat.content);
    expect(stream.usage).toEqual(chat.usage);
    expect([chat.finishReason, stream.finishReason]).toEqual(['stop', 'stop']);
    expect([chat.model, ...stream.models]).toEqual([chatGroup, chatGroup]);
  });

  it('names a request by our id, if it can', () => {
    const { requestId } = facts.chat;
    const ids = relay.requests.map(({ headers }) => headers['x-request-id']);
    expect(new Set(ids).size).toBe(relay.requests.length);
    expect(ids.includes(requestId)).toBe(tells.requestId);
  });

  it('calls a function, sends back what it gave, and reads the last answer', () => {
    const { tools, streamedTools } = facts;
    const given = { city: expect.any(String), unit: expect.stringMatching(/^(celsius|fahrenheit)$/) };
    expect(tools.calls).toEqual([given]);
    expect(tools.answer).toContain(WEATHER);
    expect(streamedTools).toEqual({
      name: 'get_weather',
      arguments: given,
      id: expect.any(String),
      others: 0,
      finishReason: 'tool_calls',
    });
    // Ids of our own: a provider's tells who it is.
    for (const { id } of [tools, streamedTools]) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
  });

  it('parses an answer by its schema, streamed or not', () => {
    const city = {
      name: expect.any(String),
      inhabitants: expect.any(Number),
      districts: expect.arrayContaining([{ name: expect.any(String), isOld: expect.any(Boolean) }]),
    };
    expect(facts.schema.value).toEqual(city);
    expect(facts.schema.streamedValue).toEqual(facts.schema.value);
  });

  it('reads embeddings, in the encoding that it asks for', () => {
    const { model, vectors, asFloats, promptTokens } = facts.embeddings;
    expect(vectors.map((vector) => vector.length)).toEqual([16, 16]);
    for (const vector of vectors) {
      expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    }
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(model ?? null).toBe(tells.embeddingModel ? embeddingGroup : null);
    // "The parties agree." and "Signed in May." are four tokens each.
    expect(promptTokens ?? null).toBe(tells.promptTokens ? 8 : null);
    const answers = relay.requests.filter((request) => request.model === embeddingGroup);
    expect(answers.map(({ text }) => (text.includes('"embedding":"') ? 'base64' : 'float'))).toEqual(
      client.encodings,
    );
    expect((asFloats ?? vectors).flat()).toEqual(vectors.flat().map((value) => expect.closeTo(value, 6)));
  });

  it("lists the team's groups as models, if it can list", () => {
    expect(sorted(facts.models ?? [])).toEqual(tells.models ? sorted(team.groups) : []);
  });

  it.each([
    ['wrongKey', 401, 'unauthenticated', 'authentication_error', null],
    ['unknownModel', 403, 'model_group_forbidden', 'permission_error', null],
    ['badParameter', 400, 'validation_failed', 'invalid_request_error', 'tools'],
    ['noCredits', 402, 'insufficient_credits', 'insufficient_quota', null],
    ['upstreamFailure', 502, 'upstream_failed', 'api_error', null],
  ] as const)('throws its own error for %s', (name, status, code, type, param) => {
    expect(facts.errors[name]).toMatchObject({ class: classes[name], status, code, type, param });
  });

  it('asks once what is refused, and is told with every failure not to ask again', () => {
    const countOf = (isMeant: (request: { key: string; model: string | null }) => boolean): number =>
      relay.requests.filter(isMeant).length;
    expect(countOf(({ key }) => key === WRONG_KEY)).toBe(1);
    expect(countOf(({ key }) => key === poor.key)).toBe(1);
    expect(countOf(({ model }) => model === UNKNOWN_MODEL)).toBe(1);
    const failures = relay.requests.filter(({ model }) => model === failingGroup);
    expect(failures.map(({ status, headers }) => [status, headers['x-should-retry']])).toEqual(
      Array.from({ length: failing }, () => [502, 'false']),
    );
  });

  it('leaves a stream, which is read to its end and recorded', async () => {
    expect(facts.leaving).toEqual({ deltas: 3, isAborted: true });
    const calls = (await callsOf(team)).filter(({ model }) => model === 'slow-stream');
    expect(calls).toEqual([expect.objectContaining({ status: 'client_disconnected', is_unpriced: false })]);
    expect(provider.openStreams()).toBe(0);
  });

  it('is charged a credit for each call that was served, and its costs are tokens times prices', async () => {
    const jobs = await jobsOf(team);
    const statuses = jobs.map(({ status, credits_charged: charged }) => `${status}: ${charged}`).sort();
    expect(statuses).toEqual([
      ...Array.from({ length: served }, () => 'completed: 1'),
      ...Array.from({ length: failing }, () => 'failed: 0'),
    ]);
    await expectBalance(service, team, { allocated: 100, used: served, held: 0 });
    await expectBalance(service, poor, { allocated: 0, used: 0, held: 0 });

    const calls = await callsOf(team);
    expect(calls).toHaveLength(served + failing);
    for (const call of calls) {
      const price = PRICES[call.model];
      const cost =
        price === undefined
          ? new Decimal(0)
          : new Decimal(call.prompt_tokens)
              .times(price.input)
              .plus(new Decimal(call.completion_tokens).times(price.output));
      expect([call.model, call.cost_usd]).toEqual([call.model, cost.toNumber()]);
      expect(call.jobCostUsd).toBe(call.cost_usd);
      expect(cost.greaterThan(0)).toBe(call.model !== 'always-failing');
    }
  });

  it('is told of no model, provider or host', () => {
    const told =
      relay.requests.map(({ headers, text }) => JSON.stringify(headers) + text).join('\n') + output;
    // What is compressed could not be searched.
    expect(relay.requests.filter(({ headers }) => 'content-encoding' in headers)).toEqual([]);
    expect(told).toContain(QUESTION);
    for (const secret of [...MODELS, 'litellm', 'openai', 'fault-', new URL(proxy.baseUrl).host]) {
      expect(told.toLowerCase()).not.toContain(secret);
    }
  });
});

describe('a client with the address of a job for its base URL', () => {
  it('makes all its calls in that job, which is charged once', async () => {
    const client = CLIENTS[0]!;
    const team = await makeTeam(service, { groups: MODELS.map((model) => [model]) });
    const jobId = await makeJob(service, team);

    const baseUrl = `${service.baseUrl}/api/jobs/${jobId}/openai/v1`;
    const { facts } = await runClient(client.script, python, { ...placeOf(team), baseUrl });

    expect(facts.stream.content).toBe(facts.chat.content);
    await service.call('post', `/api/jobs/${jobId}/complete`, { body: { status: 'completed' } }).expect(200);
    await settle(team);
    expect(await jobsOf(team)).toEqual([expect.objectContaining({ job_id: jobId, credits_charged: 1 })]);
    const { body } = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    expect(body.costs.total_calls).toBe(client.served + client.failing);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  }, 120_000);
});

describe.each(CLIENTS)('$name, at the proxy itself', ({ script }) => {
  it(
    'gets the same answers by the same code',
    async () => {
      const [chat, embedding, failing, slow] = MODELS as [string, string, string, string];
      const team = await makeTeam(service, { groups: MODELS.map((model) => [model]) });

      const atProxy = await runClient(script, python, {
        ...{ baseUrl: `${proxy.baseUrl}/v1`, key: SERVICE_KEY },
        ...{ chat, embedding, failing, slow },
      });
      const baseUrl = `${service.baseUrl}/v1`;
      const atService = await runClient(script, python, { ...placeOf(team), baseUrl });
      await settle(team);

      expect(sameEverywhere(atService.facts)).toEqual(sameEverywhere(atProxy.facts));
    },
    2 * RUN_TIMEOUT_MS,
  );
});

/** A team's groups stand for the models. */
function placeOf({ key, groups }: TestTeam): Omit<Place, 'baseUrl'> {
  const [chat, embedding, failing, slow] = groups as [string, string, string, string];
  return { key, chat, embedding, failing, slow };
}

function sorted(names: readonly string[]): string[] {
  return [...names].sort();
}

interface ToldJob {
  readonly job_id: string;
  readonly status: string;
  readonly credits_charged: number;
}

interface ToldCall {
  readonly model: string;
  readonly status: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost_usd: number | null;
  readonly is_unpriced: boolean;
  readonly jobCostUsd: number;
}

async function jobsOf(team: TestTeam): Promise<ToldJob[]> {
  const { body } = await service
    .call('get', `/api/teams/${team.teamId}/jobs`, { query: { limit: '100' } })
    .expect(200);
  return body.data as ToldJob[];
}

/** The one call of each job, as the admin sees it. */
async function callsOf(team: TestTeam): Promise<ToldCall[]> {
  const calls: ToldCall[] = [];
  for (const { job_id: jobId } of await jobsOf(team)) {
    const { body } = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    expect(body.costs.breakdown).toHaveLength(1);
    calls.push({ ...body.costs.breakdown[0], jobCostUsd: body.costs.total_cost_usd });
  }
  return calls;
}

/** A stream goes on for a while after its client has left. */
async function settle(team: TestTeam): Promise<void> {
  const deadline = Date.now() + END_TIMEOUT_MS;
  while ((await jobsOf(team)).some(({ status }) => status === 'pending' || status === 'in_progress')) {
    if (Date.now() > deadline) throw new Error('A job did not end.');
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
