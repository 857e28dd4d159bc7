import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { startLitellm } from '../../litellm/start.mjs';
import { type Sandbox, startSandbox } from '../../src/gateway/sandbox/sandbox.server.js';
import { expectBalance, makeTeam, type TestTeam } from '../support/factories.js';
import { type RecordingRelay, startRecordingRelay } from '../support/recording-relay.js';
import { freePort, runCommand } from '../support/server-process.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { prepareClients } from './clients/prepare.mjs';

const FOLDER = join(import.meta.dirname, 'clients');
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

/**
 * The official clients heed `x-should-retry`. The other two do not know it, and ask again after any 5xx; LangChain is
 * told to do that once.
 */
const CLIENTS = [
  {
    name: 'openai for Node',
    command: (): [string, string[]] => [process.execPath, [join(FOLDER, 'openai-node.mjs')]],
    // A chat, a stream, two of a tool and one streamed, a schema twice, embeddings twice, and the one that is left.
    served: 10,
    failing: 2,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIError',
      upstreamFailure: 'InternalServerError',
    },
  },
  {
    name: 'openai for Python',
    command: (): [string, string[]] => [python, ['-B', join(FOLDER, 'openai_python.py')]],
    served: 10,
    failing: 2,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIStatusError',
      upstreamFailure: 'InternalServerError',
    },
  },
  {
    name: 'the AI SDK',
    command: (): [string, string[]] => [process.execPath, [join(FOLDER, 'ai-sdk.mjs')]],
    // Embeddings once, for it asks for floats only.
    served: 9,
    // Two retries by default, and one request of a client that is told to make none.
    failing: 4,
    classes: {
      wrongKey: 'AI_APICallError',
      unknownModel: 'AI_APICallError',
      badParameter: 'AI_APICallError',
      noCredits: 'AI_APICallError',
      upstreamFailure: 'AI_APICallError',
    },
  },
  {
    name: 'LangChain',
    command: (): [string, string[]] => [process.execPath, [join(FOLDER, 'langchain.mjs')]],
    served: 10,
    failing: 3,
    classes: {
      wrongKey: 'AuthenticationError',
      unknownModel: 'PermissionDeniedError',
      badParameter: 'BadRequestError',
      noCredits: 'APIError',
      upstreamFailure: 'InternalServerError',
    },
  },
];

interface ToldUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
}

interface ToldError {
  readonly class: string;
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly param: string | null;
  readonly message: string;
}

/** What each script prints; a client that cannot tell something leaves it out. */
interface Facts {
  readonly chat: {
    readonly id: string;
    readonly model: string;
    readonly content: string;
    readonly finishReason: string;
    readonly usage: ToldUsage;
    readonly requestId?: string | null;
  };
  readonly stream: {
    readonly ids: readonly string[];
    readonly models: readonly string[];
    readonly deltas: number;
    readonly content: string;
    readonly finishReason: string;
    readonly usage: ToldUsage;
  };
  readonly tools: { readonly calls: readonly object[]; readonly id: string; readonly answer: string };
  readonly streamedTools: {
    readonly name: string;
    readonly arguments: object;
    readonly id: string;
    readonly others: number;
    readonly finishReason: string;
  };
  readonly schema: { readonly value: object; readonly streamedValue: object };
  readonly embeddings: {
    readonly model?: string;
    readonly vectors: readonly (readonly number[])[];
    readonly asFloats?: readonly (readonly number[])[];
    readonly promptTokens?: number;
  };
  readonly models?: readonly string[];
  readonly errors: Readonly<Record<string, ToldError | null>>;
  readonly leaving: { readonly deltas: number; readonly isAborted: boolean };
}

/** Where a client goes: all that differs between one server and another. */
interface Place {
  readonly baseUrl: string;
  readonly key: string;
  readonly penniless?: string;
  readonly chat: string;
  readonly embedding: string;
  readonly failing: string;
  readonly slow: string;
}

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

/** Runs a client's script to its end. @returns what it says, and all that it wrote */
async function run(
  [program, programArguments]: [string, string[]],
  place: Place,
): Promise<{ facts: Facts; output: string }> {
  const { code, output } = await runCommand(program, programArguments, {
    OPENAI_BASE_URL: place.baseUrl,
    OPENAI_API_KEY: place.key,
    MODEL: place.chat,
    EMBEDDING_MODEL: place.embedding,
    FAILING_MODEL: place.failing,
    SLOW_MODEL: place.slow,
    ...(place.penniless !== undefined && { PENNILESS_KEY: place.penniless }),
  });
  // Warnings of the clients come before it.
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{'))
    throw new Error(`The client ended with ${String(code)}:\n${output}`);
  return { facts: JSON.parse(last) as Facts, output };
}

/** What must be the same wherever a client goes. */
function sameEverywhere({ chat, stream, tools, streamedTools, schema, embeddings, leaving }: Facts): object {
  const told = ({ content, finishReason, usage }: Facts['chat'] | Facts['stream']): object => ({
    content,
    finishReason,
    usage,
  });
  return {
    chat: told(chat),
    stream: told(stream),
    tools: { calls: tools.calls, answer: tools.answer },
    streamedTools: { ...streamedTools, id: null },
    schema,
    embeddings: { ...embeddings, model: null },
    leaving,
  };
}

describe.each(CLIENTS)('$name, with another base URL and key', ({ command, served, failing, classes }) => {
  let relay: RecordingRelay;
  let team: TestTeam;
  let poor: TestTeam;
  let facts: Facts;
  let output: string;
  let chatGroup: string;
  let failingGroup: string;

  beforeAll(async () => {
    team = await makeTeam(service, { groups: MODELS.map((model) => [model]) });
    poor = await makeTeam(service, { credits: 0 });
    const [chat, embedding, broken, slow] = team.groups as [string, string, string, string];
    [chatGroup, failingGroup] = [chat, broken];
    relay = await startRecordingRelay(service.baseUrl);
    stops.unshift(() => relay.stop());
    const place = { key: team.key, penniless: poor.key, chat, embedding, failing: broken, slow };
    ({ facts, output } = await run(command(), { ...place, baseUrl: `${relay.baseUrl}/v1` }));
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

  it('names its requests by our ids', () => {
    if (facts.chat.requestId === undefined) return;
    expect(relay.requests.map(({ headers }) => headers['x-request-id'])).toContain(facts.chat.requestId);
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
    const { vectors, asFloats, promptTokens } = facts.embeddings;
    expect(vectors.map((vector) => vector.length)).toEqual([16, 16]);
    for (const vector of vectors) {
      expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    }
    expect(vectors[0]).not.toEqual(vectors[1]);
    // "The parties agree." and "Signed in May." are four tokens each.
    if (promptTokens !== undefined) expect(promptTokens).toBe(8);
    if (asFloats === undefined) return;
    for (const [index, vector] of vectors.entries()) {
      for (const [place, value] of vector.entries()) expect(value).toBeCloseTo(asFloats[index]![place]!, 6);
    }
  });

  it("lists the team's groups as models", () => {
    if (facts.models === undefined) return;
    expect([...facts.models].sort()).toEqual([...team.groups].sort());
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
    expect(told.length).toBeGreaterThan(5_000);
    for (const secret of [...MODELS, 'litellm', 'openai', 'fault-', new URL(proxy.baseUrl).host]) {
      expect(told.toLowerCase()).not.toContain(secret);
    }
  });
});

describe.each(CLIENTS)('$name, at the proxy itself', ({ command }) => {
  it(
    'gets the same answers by the same code',
    async () => {
      const [chat, embedding, broken, slow] = MODELS as [string, string, string, string];
      const team = await makeTeam(service, { groups: MODELS.map((model) => [model]) });
      const [group, embeddingGroup, brokenGroup, slowGroup] = team.groups as [string, string, string, string];
      const atProxy = await run(command(), {
        ...{ baseUrl: `${proxy.baseUrl}/v1`, key: SERVICE_KEY, chat, embedding, failing: broken, slow },
      });
      const atService = await run(command(), {
        ...{ baseUrl: `${service.baseUrl}/v1`, key: team.key, chat: group, embedding: embeddingGroup },
        ...{ failing: brokenGroup, slow: slowGroup },
      });
      await settle(team);

      expect(sameEverywhere(atService.facts)).toEqual(sameEverywhere(atProxy.facts));
    },
    2 * RUN_TIMEOUT_MS,
  );
});

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
