import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSettings } from '../config/settings.js';
import { GatewayService } from './gateway.service.js';
import type { CallOutcome, ChatChunk, EndedAttempt, GatewayCall, StreamOutcome } from './gateway.types.js';
import { LitellmClient } from './litellm.client.js';
import { type Sandbox, startSandbox } from './sandbox/sandbox.server.js';
import { USAGE_SHAPE_NAMES, USAGE_SHAPES } from './sandbox/sandbox.usage-shapes.js';

let sandbox: Sandbox;
let client: LitellmClient;
let gateway: GatewayService;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  // The breaker is off: every fault is asked for on purpose.
  const settings = { ...parseSettings({}), litellmBaseUrl: sandbox.baseUrl, breakerFailures: 0 };
  client = new LitellmClient({ ...settings, streamIdleTimeoutMs: 300 });
  gateway = new GatewayService(client, settings);
});

afterAll(async () => {
  await client.abandon();
  await sandbox.stop();
});

function call(...modelNames: string[]): GatewayCall {
  return {
    request: {
      messages: [{ role: 'user', content: 'Tell me of the sea, and 🎉.' }],
      parameters: { max_tokens: 60 },
    },
    modelNames,
    firstAttemptId: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11',
    correlation: { traceId: 'job', endUserId: 'team', tags: [], metadata: {} },
    recorder: { attemptFollows: () => Promise.resolve() },
    mayRetryAmbiguous: true,
  };
}

function textOf(outcome: CallOutcome): string | null | undefined {
  return outcome.status === 'succeeded' ? outcome.answer.choices[0]?.message.content : undefined;
}

async function stream(
  ...modelNames: string[]
): Promise<StreamOutcome & { text: string; chunks: ChatChunk[] }> {
  const start = await gateway.stream(call(...modelNames));
  if (start.status === 'failed') throw new Error(`It failed: ${JSON.stringify(start.attempts)}`);
  const chunks: ChatChunk[] = [];
  for await (const read of start.stream.chunks) chunks.push(...read);
  const text = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('');
  return { ...(await start.stream.outcome), text, chunks };
}

function lastOf(outcome: { readonly attempts: readonly EndedAttempt[] }): EndedAttempt {
  return outcome.attempts.at(-1)!;
}

describe('the same request, whole and as a stream', () => {
  it.each([
    'gpt-4o-mini',
    'fault-pings',
    'fault-crlf',
    'fault-split',
    'fault-pings+crlf+split',
    'fault-usage-early',
  ])('is the same text, usage and cost with %s', async (model) => {
    const whole = await gateway.complete(call('gpt-4o-mini'));
    const streamed = await stream(model);

    expect(streamed.status).toBe('succeeded');
    expect(streamed.text).toBe(textOf(whole));
    expect(lastOf(streamed).usage).toEqual(lastOf(whole).usage);
    expect(lastOf(streamed).cost.source).toBe('upstream_usage');
  });

  it('costs the same', async () => {
    const whole = await gateway.complete(call('gpt-4o-mini'));
    const streamed = await stream('gpt-4o-mini');

    expect(lastOf(streamed).cost.costUsd).toBe(lastOf(whole).cost.costUsd);
  });
});

describe('the usage of a provider', () => {
  it.each(USAGE_SHAPE_NAMES)(
    'as %s tells it is in the same buckets, whole and as a stream',
    async (shape) => {
      const { truth } = USAGE_SHAPES[shape];
      const buckets = {
        inputTokens: truth.uncachedInput,
        cacheReadTokens: truth.cacheRead,
        cacheWriteTokens: truth.cacheWrite,
        audioInputTokens: truth.audioInput,
        imageInputTokens: truth.imageInput,
        outputTokens: truth.output,
        reasoningTokens: truth.reasoning,
        audioOutputTokens: truth.audioOutput,
        imageOutputTokens: 0,
      };

      expect(lastOf(await gateway.complete(call(`usage-${shape}`))).usage?.buckets).toEqual(buckets);
      expect(lastOf(await stream(`usage-${shape}`)).usage).toMatchObject({ buckets, isEstimated: false });
    },
  );

  // Tokens by kind at the prices of the sandbox's page, in millionths of USD, added up by hand.
  it.each([
    // 882 + 1,024 × 0.1 + 100 × 10 + 132 × 2 + 128 × 2 + 40 × 20 = 3,304.4
    ['openai', 0.0033044],
    // 150 + 2,000 × 0.1 + 1,000 × 1.25 + 150 × 2 + 60 × 2 = 2,020
    ['anthropic', 0.00202],
    // 150 + 2,000 × 0.1 + 1,000 × 1.25 + 210 × 2 = 2,020
    ['anthropic-native', 0.00202],
    // 742 + 400 × 0.1 + 100 × 10 + 258 × 1.5 + 130 × 2 + 400 × 2 = 3,229
    ['gemini', 0.003229],
    // 1,000 + 130 × 2 + 400 × 2 = 2,060
    ['gemini-native', 0.00206],
    // 176 + 1,024 × 0.1 + 160 × 2 + 90 × 2 = 778.4
    ['deepseek', 0.0007784],
    // 400 + 600 × 0.1 + 120 × 2 + 300 × 2 = 1,300
    ['xai', 0.0013],
    // 388 + 512 × 0.1 + 110 × 2 = 659.2
    ['moonshot', 0.0006592],
    // 1,240 + 600 × 0.1 + 100 × 1.25 + 120 × 2 + 40 × 2 = 1,745
    ['openrouter', 0.001745],
    // 30 + 420 × 2 = 870
    ['perplexity', 0.00087],
    // 640 + 180 × 2 = 1,000
    ['groq', 0.001],
    // 75 + 130 × 2 = 335
    ['mistral', 0.000335],
  ])('of %s is booked at %d USD, whole and as a stream', async (shape, costUsd) => {
    const whole = lastOf(await gateway.complete(call(`usage-${shape}`))).cost;
    const streamed = lastOf(await stream(`usage-${shape}`)).cost;

    expect(whole.source).toBe('upstream_header');
    expect(streamed.source).toBe('upstream_usage');
    expect(Number(whole.costUsd)).toBeCloseTo(costUsd, 10);
    expect(Number(streamed.costUsd)).toBeCloseTo(costUsd, 10);
  });
});

describe('a stream with a fault', () => {
  it.each([
    ['cut', 'stream_broken'],
    ['reset-mid', 'stream_broken'],
    ['late-error', 'stream_broken'],
    ['malformed', 'malformed_answer'],
    ['hang-body', 'timeout'],
  ])('%s is partial by %s, with a guess at its usage', async (fault, failure) => {
    const outcome = await stream(`fault-${fault}`);

    expect(outcome.text.length).toBeGreaterThan(0);
    expect(lastOf(outcome)).toMatchObject({ status: 'partial', failure, usage: { isEstimated: true } });
    expect(lastOf(outcome).cost).toEqual({ costUsd: null, source: 'unpriced', text: null });
  });

  it('that leaves out the last frame has succeeded, since usage and reason are there', async () => {
    expect((await stream('fault-no-done')).status).toBe('succeeded');
  });

  it.each([
    ['no-cost', 'unpriced', null],
    ['cost-NaN', 'refused', 'NaN'],
    ['cost--1', 'refused', '-1'],
    ['cost-0.25', 'upstream_usage', '0.25'],
  ])('%s has a cost that is %s', async (fault, source, text) => {
    expect(lastOf(await stream(`fault-${fault}`)).cost).toMatchObject({ source, text });
  });

  it.each(['fault-status-500', 'fault-rate-limit-1', 'fault-reset', 'fault-html', 'fault-no-choices'])(
    'before its first word leads to the next model: %s',
    async (model) => {
      const outcome = await stream(model, 'gpt-4o-mini');

      expect(outcome.status).toBe('succeeded');
      expect(outcome.attempts.map(({ modelName, status }) => [modelName, status])).toEqual([
        [model, 'failed'],
        ['gpt-4o-mini', 'succeeded'],
      ]);
    },
  );
});

describe('embeddings', () => {
  it('come with their usage', async () => {
    const outcome = await gateway.embed({
      ...call('text-embedding-3-small'),
      request: { input: ['one', 'two'], parameters: { dimensions: 4 } },
    });

    if (outcome.status === 'failed') throw new Error('It failed.');
    expect(outcome.answer.data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 4],
      [1, 4],
    ]);
    // One token each.
    expect(lastOf(outcome).usage).toMatchObject({ promptTokens: 2, completionTokens: 0, isEstimated: false });
  });
});
