import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type TokenBuckets,
  USAGE_SHAPE_NAMES,
  USAGE_SHAPES,
  type UsageShapeName,
} from '../../src/gateway/sandbox/sandbox.usage-shapes.js';
import { query } from '../support/database.js';
import { makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { framesOf, openStream } from '../support/streams.js';

/** A difference that no rounding explains. */
const TOLERANCE_USD = 1e-9;

interface Golden {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly costUsd: number;
}

/**
 * Worked out by hand from the tokens of each shape and the prices by kind, in USD for a million: input 1,
 * cache read 0.10, cache write 1.25, sound in 10, picture in 1.50, output 2, reasoning 2, sound out 20.
 */
const GOLDEN: Readonly<Record<UsageShapeName, Golden>> = {
  // 882 + 1,024 × 0.10 + 100 × 10 + 132 × 2 + 128 × 2 + 40 × 20 = 882 + 102.4 + 1,000 + 264 + 256 + 800 = 3,304.4
  openai: { promptTokens: 2_006, completionTokens: 300, totalTokens: 2_306, costUsd: 0.0033044 },
  // 150 + 2,000 × 0.10 + 1,000 × 1.25 + 150 × 2 + 60 × 2 = 150 + 200 + 1,250 + 300 + 120 = 2,020
  anthropic: { promptTokens: 3_150, completionTokens: 210, totalTokens: 3_360, costUsd: 0.00202 },
  // 150 + 2,000 × 0.10 + 1,000 × 1.25 + 210 × 2 = 150 + 200 + 1,250 + 420 = 2,020
  'anthropic-native': { promptTokens: 3_150, completionTokens: 210, totalTokens: 3_360, costUsd: 0.00202 },
  // 742 + 400 × 0.10 + 100 × 10 + 258 × 1.50 + 130 × 2 + 400 × 2 = 742 + 40 + 1,000 + 387 + 260 + 800 = 3,229
  gemini: { promptTokens: 1_500, completionTokens: 530, totalTokens: 2_030, costUsd: 0.003229 },
  // 1,000 + 130 × 2 + 400 × 2 = 1,000 + 260 + 800 = 2,060
  'gemini-native': { promptTokens: 1_000, completionTokens: 530, totalTokens: 1_530, costUsd: 0.00206 },
  // 176 + 1,024 × 0.10 + 160 × 2 + 90 × 2 = 176 + 102.4 + 320 + 180 = 778.4
  deepseek: { promptTokens: 1_200, completionTokens: 250, totalTokens: 1_450, costUsd: 0.0007784 },
  // 400 + 600 × 0.10 + 120 × 2 + 300 × 2 = 400 + 60 + 240 + 600 = 1,300
  xai: { promptTokens: 1_000, completionTokens: 420, totalTokens: 1_420, costUsd: 0.0013 },
  // 388 + 512 × 0.10 + 110 × 2 = 388 + 51.2 + 220 = 659.2
  moonshot: { promptTokens: 900, completionTokens: 110, totalTokens: 1_010, costUsd: 0.0006592 },
  // 1,240 + 600 × 0.10 + 100 × 1.25 + 120 × 2 + 40 × 2 = 1,240 + 60 + 125 + 240 + 80 = 1,745
  openrouter: { promptTokens: 1_940, completionTokens: 160, totalTokens: 2_100, costUsd: 0.001745 },
  // 30 + 420 × 2 = 30 + 840 = 870
  perplexity: { promptTokens: 30, completionTokens: 420, totalTokens: 450, costUsd: 0.00087 },
  // 640 + 180 × 2 = 640 + 360 = 1,000
  groq: { promptTokens: 640, completionTokens: 180, totalTokens: 820, costUsd: 0.001 },
  // 75 + 130 × 2 = 75 + 260 = 335
  mistral: { promptTokens: 75, completionTokens: 130, totalTokens: 205, costUsd: 0.000335 },
};

type Way = 'plain' | 'streamed';
const WAYS: readonly Way[] = ['plain', 'streamed'];

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(async () => {
  expect(await ledgerDifferences(service.database.url)).toEqual([]);
  await service.stop();
});

interface SeenUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

interface SeenAttempt {
  readonly status: string;
  readonly cost_usd: number | null;
  readonly cost_source: string;
  readonly is_estimated: boolean;
  readonly tokens: Readonly<Record<string, number>>;
}

interface SeenCosts {
  readonly total_cost_usd: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
  readonly breakdown: readonly {
    readonly cost_usd: number;
    readonly is_unpriced: boolean;
    readonly attempts: readonly SeenAttempt[];
  }[];
}

/** One call, whole or as a stream, and what its team and the admin see of it. */
async function callModel(way: Way, model: string) {
  const team = await makeTeam(service, { groups: [[model]] });
  const jobId = await makeJob(service, team);
  const usage = way === 'plain' ? await callPlain(team, jobId) : await callStreamed(team, jobId);
  return { jobId, usage, costs: await costsOf(jobId) };
}

async function callPlain(team: TestTeam, jobId: string): Promise<SeenUsage> {
  const { body } = await service
    .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } })
    .expect(200);
  const { prompt_tokens, completion_tokens, tokens_used } = body.metadata;
  return { prompt_tokens, completion_tokens, total_tokens: tokens_used };
}

async function callStreamed(team: TestTeam, jobId: string): Promise<SeenUsage> {
  const answer = await openStream(service, `/api/jobs/${jobId}/llm-call-stream`, {
    key: team.key,
    body: { messages: MESSAGES },
  });
  expect(answer.status).toBe(200);
  const usage = framesOf(await answer.text()).at(-1)?.usage;
  const { prompt_tokens, completion_tokens, total_tokens } = usage!;
  return { prompt_tokens, completion_tokens, total_tokens };
}

async function costsOf(jobId: string): Promise<SeenCosts> {
  return (await service.call('get', `/api/jobs/${jobId}/costs`).expect(200)).body.costs as SeenCosts;
}

function expectUsd(actual: number | null, expected: number): void {
  expect(actual).not.toBeNull();
  expect(Math.abs(actual! - expected)).toBeLessThanOrEqual(TOLERANCE_USD);
}

/** The kinds of tokens under the names that the admin reads; no shape has pictures in its answer. */
function bucketsOf(truth: TokenBuckets): object {
  return {
    input_tokens: truth.uncachedInput,
    cache_read_tokens: truth.cacheRead,
    cache_write_tokens: truth.cacheWrite,
    audio_input_tokens: truth.audioInput,
    image_input_tokens: truth.imageInput,
    output_tokens: truth.output,
    reasoning_tokens: truth.reasoning,
    audio_output_tokens: truth.audioOutput,
    image_output_tokens: 0,
  };
}

describe.each(WAYS)('a %s call', (way) => {
  it.each(USAGE_SHAPE_NAMES)(
    'with the usage of %s has its tokens by kind and its exact cost',
    async (shape) => {
      const golden = GOLDEN[shape];
      const { usage, costs } = await callModel(way, `usage-${shape}`);

      expect(usage).toEqual({
        prompt_tokens: golden.promptTokens,
        completion_tokens: golden.completionTokens,
        total_tokens: golden.totalTokens,
      });
      const [call] = costs.breakdown;
      expect(call!.attempts).toHaveLength(1);
      const [attempt] = call!.attempts;
      expect(attempt).toMatchObject({ status: 'succeeded', is_estimated: false });
      expect(attempt!.tokens).toEqual(bucketsOf(USAGE_SHAPES[shape].truth));
      for (const cost of [attempt!.cost_usd, call!.cost_usd, costs.total_cost_usd]) {
        expectUsd(cost, golden.costUsd);
      }
      expect(costs).toMatchObject({ unpriced_calls: 0, total_tokens: golden.totalTokens });
    },
  );

  it('sums the costs of its job without the errors of floats', async () => {
    const team = await makeTeam(service, { groups: [['usage-deepseek']] });
    const jobId = await makeJob(service, team);
    for (let count = 0; count < 3; count += 1) {
      await (way === 'plain' ? callPlain(team, jobId) : callStreamed(team, jobId));
    }
    // 3 × 0.0007784
    expect((await costsOf(jobId)).total_cost_usd).toBe(0.0023352);
  });

  it.each([
    ['NaN', 'NaN'],
    ['Infinity', 'Infinity'],
    ['-1', '-1'],
    ['1e12', way === 'plain' ? '1e12' : '1000000000000'],
    ['free-of-charge', 'free-of-charge'],
  ])('whose cost is said to be %s is unpriced, with what was said kept', async (said, kept) => {
    const { jobId, costs } = await callModel(way, `fault-cost-${said}`);

    expect(costs).toMatchObject({ unpriced_calls: 1, total_cost_usd: 0 });
    const [call] = costs.breakdown;
    expect(call).toMatchObject({ is_unpriced: true, cost_usd: 0 });
    expect(call!.attempts).toMatchObject([{ status: 'succeeded', cost_usd: null, cost_source: 'refused' }]);
    const rows = await query(
      service.database.url,
      `SELECT cost_text, llm_attempts.cost_usd FROM llm_attempts JOIN llm_calls USING (call_id) WHERE job_id = $1`,
      [jobId],
    );
    expect(rows).toEqual([{ cost_text: kept, cost_usd: null }]);
  });
});

describe('an embedding', () => {
  it('has the tokens that were sent, nothing of a completion, and its exact cost', async () => {
    const team = await makeTeam(service, { groups: [['text-embedding-3-large']] });
    const jobId = await makeJob(service, team);
    const input = [
      [11, 12, 13, 14, 15],
      [21, 22],
    ];
    const { body } = await service
      .call('post', `/api/jobs/${jobId}/openai/v1/embeddings`, {
        key: team.key,
        body: { model: team.groups[0], input },
      })
      .expect(200);

    expect(body.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 });
    const costs = await costsOf(jobId);
    const [attempt] = costs.breakdown[0]!.attempts;
    expect(attempt).toMatchObject({ cost_source: 'upstream_header', is_estimated: false });
    expect(attempt!.tokens).toMatchObject({ input_tokens: 7, output_tokens: 0, reasoning_tokens: 0 });
    // 7 tokens at 0.13 USD a million
    expectUsd(attempt!.cost_usd, 0.00000091);
    expectUsd(costs.total_cost_usd, 0.00000091);
  });
});
