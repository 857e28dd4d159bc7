import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { UsageBuckets } from './gateway.types.js';
import { estimatePromptUsage, estimateUsage, parseEmbeddingUsage, parseUsage } from './usage.js';
import { makeUsage } from './usage.fixture.js';

/** Of an exchange recorded with a real LiteLLM proxy. */
function recordedUsage(name: string): unknown {
  const file = join(import.meta.dirname, `../../test/live/fixtures/${name}.json`);
  const { response } = JSON.parse(readFileSync(file, 'utf8')) as {
    response: { readonly body: { readonly usage: unknown } };
  };
  return response.body.usage;
}

describe('the usage of a completion', () => {
  it('has the sum where the total is missing or cannot be one', () => {
    expect(parseUsage({ prompt_tokens: 9, completion_tokens: 3 })?.totalTokens).toBe(12);
    expect(parseUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: null })?.totalTokens).toBe(12);
    expect(parseUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: -1 })?.totalTokens).toBe(12);
  });

  it('keeps a total that has more in it than prompt and completion', () => {
    expect(parseUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: 40 })?.totalTokens).toBe(40);
  });

  it('may have a zero in it, but not both: a proxy writes zeros where its provider reported nothing', () => {
    const usage = recordedUsage('missing-usage');

    expect(usage).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
    expect(parseUsage(usage)).toBeNull();
    expect(parseUsage({ prompt_tokens: 9, completion_tokens: 0 })?.totalTokens).toBe(9);
    expect(parseUsage({ prompt_tokens: 0, completion_tokens: 3 })?.totalTokens).toBe(3);
  });

  it.each([
    undefined,
    null,
    7,
    'many',
    [],
    {},
    { prompt_tokens: 9 },
    { completion_tokens: 3 },
    { prompt_tokens: -1, completion_tokens: 3 },
    { prompt_tokens: 9, completion_tokens: 1.5 },
    { prompt_tokens: '9', completion_tokens: 3 },
    { prompt_tokens: 9, completion_tokens: 2 ** 53 },
    { prompt_tokens: 9, completion_tokens: 500_000_001 },
  ])('that is %j is unknown', (usage) => {
    expect(parseUsage(usage)).toBeNull();
  });
});

describe('the buckets of a usage', () => {
  // The shapes are those of the providers' own documents; where an example of theirs is used it is named.
  it.each<[string, object, Partial<UsageBuckets>]>([
    [
      'of OpenAI, with everything in it',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 40, audio_tokens: 10, image_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 8, image_tokens: 2 },
      },
      {
        inputTokens: 45,
        cacheReadTokens: 40,
        audioInputTokens: 10,
        imageInputTokens: 5,
        outputTokens: 20,
        reasoningTokens: 20,
        audioOutputTokens: 8,
        imageOutputTokens: 2,
      },
    ],
    [
      'of LiteLLM for a prompt with a cache, whose numbers come twice',
      {
        prompt_tokens: 2006,
        completion_tokens: 300,
        total_tokens: 2306,
        prompt_tokens_details: { cached_tokens: 1920, cache_creation_tokens: 80 },
        cache_creation_input_tokens: 80,
        cache_read_input_tokens: 1920,
      },
      { inputTokens: 6, cacheReadTokens: 1920, cacheWriteTokens: 80, outputTokens: 300 },
    ],
    [
      'of Anthropic itself, whose cache is beside the prompt',
      { input_tokens: 9, output_tokens: 4, cache_creation_input_tokens: 17_102, cache_read_input_tokens: 0 },
      { inputTokens: 9, cacheWriteTokens: 17_102, outputTokens: 4 },
    ],
    [
      'of Anthropic itself, with a cache smaller than the rest',
      { input_tokens: 500, output_tokens: 4, cache_read_input_tokens: 100 },
      { inputTokens: 500, cacheReadTokens: 100, outputTokens: 4 },
    ],
    [
      'with a cache beside the prompt that the total tells of',
      {
        prompt_tokens: 500,
        completion_tokens: 4,
        total_tokens: 604,
        cache_read_input_tokens: 60,
        cache_creation_input_tokens: 40,
      },
      { inputTokens: 500, cacheReadTokens: 60, cacheWriteTokens: 40, outputTokens: 4 },
    ],
    [
      'with a cache that is too large to be in the prompt, although the total leaves it out',
      { prompt_tokens: 9, completion_tokens: 8, total_tokens: 17, cache_read_input_tokens: 17_102 },
      { inputTokens: 9, cacheReadTokens: 17_102, outputTokens: 8 },
    ],
    [
      'of Gemini through LiteLLM, told apart by kind',
      {
        prompt_tokens: 300,
        completion_tokens: 60,
        total_tokens: 360,
        prompt_tokens_details: { text_tokens: 100, image_tokens: 120, audio_tokens: 30, cached_tokens: 50 },
        completion_tokens_details: { text_tokens: 20, reasoning_tokens: 40 },
      },
      {
        inputTokens: 100,
        cacheReadTokens: 50,
        imageInputTokens: 120,
        audioInputTokens: 30,
        outputTokens: 20,
        reasoningTokens: 40,
      },
    ],
    [
      'of Gemini itself, whose thoughts are in the total only',
      { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
      { inputTokens: 20, outputTokens: 198, reasoningTokens: 405 },
    ],
    [
      'of xAI, whose reasoning is beside the completion',
      {
        prompt_tokens: 32,
        completion_tokens: 9,
        total_tokens: 135,
        prompt_tokens_details: { text_tokens: 32, cached_tokens: 6 },
        completion_tokens_details: { reasoning_tokens: 94 },
      },
      { inputTokens: 26, cacheReadTokens: 6, outputTokens: 9, reasoningTokens: 94 },
    ],
    [
      'of DeepSeek, with its cache in fields of its own',
      {
        prompt_tokens: 1000,
        completion_tokens: 50,
        total_tokens: 1050,
        prompt_cache_hit_tokens: 896,
        prompt_cache_miss_tokens: 104,
        completion_tokens_details: { reasoning_tokens: 30 },
      },
      { inputTokens: 104, cacheReadTokens: 896, outputTokens: 20, reasoningTokens: 30 },
    ],
    [
      'of Moonshot, with its cache on top',
      { prompt_tokens: 800, completion_tokens: 10, total_tokens: 810, cached_tokens: 768 },
      { inputTokens: 32, cacheReadTokens: 768, outputTokens: 10 },
    ],
    [
      // The example of its page on the accounting of usage.
      'of OpenRouter, with what went into the cache',
      {
        completion_tokens: 2,
        completion_tokens_details: { reasoning_tokens: 0 },
        cost: 0.95,
        cost_details: { upstream_inference_cost: 19 },
        prompt_tokens: 194,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 100, audio_tokens: 0 },
        total_tokens: 196,
      },
      { inputTokens: 94, cacheWriteTokens: 100, outputTokens: 2 },
    ],
    [
      'of Perplexity, whose reasoning is a count of its own outside of the total',
      { prompt_tokens: 33, completion_tokens: 7163, total_tokens: 7196, reasoning_tokens: 395_737 },
      { inputTokens: 33, outputTokens: 7163, reasoningTokens: 395_737 },
    ],
    [
      'of Groq, with its times',
      { queue_time: 0.1, prompt_tokens: 24, prompt_time: 0.002, completion_tokens: 6, total_tokens: 30 },
      { inputTokens: 24, outputTokens: 6 },
    ],
    [
      'of Mistral, with nulls for what it does not tell',
      {
        prompt_tokens: 24,
        completion_tokens: 6,
        total_tokens: 30,
        prompt_tokens_details: null,
        prompt_audio_seconds: null,
      },
      { inputTokens: 24, outputTokens: 6 },
    ],
  ])('%s', (_, usage, buckets) => {
    const { totalTokens, ...parsed } = parseUsage(usage)!;
    const { totalTokens: sum, ...expected } = makeUsage(buckets);

    expect(parsed).toEqual(expected);
    expect(totalTokens).toBe(sum);
  });

  it('are cut down to fit where the details claim more than there is', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 8, audio_tokens: 8, image_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 50 },
    };

    expect(parseUsage(usage)).toEqual(
      makeUsage({ cacheReadTokens: 8, audioInputTokens: 2, reasoningTokens: 5 }),
    );
  });

  it('leave out what the total has more and nothing explains', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 100,
      completion_tokens_details: { reasoning_tokens: 3 },
    };

    expect(parseUsage(usage)).toEqual({
      ...makeUsage({ inputTokens: 10, outputTokens: 2, reasoningTokens: 3 }),
      totalTokens: 100,
    });
  });

  it('are never negative and add up, whatever is reported', () => {
    const count = fc.oneof(
      fc.nat({ max: 300 }),
      fc.constantFrom<unknown>(null, undefined, -1, 1.5, 'x', 2_000_000_000),
    );
    const usage = fc.record({
      prompt_tokens: fc.nat({ max: 300 }),
      completion_tokens: fc.nat({ max: 300 }),
      total_tokens: fc.oneof(count, fc.nat({ max: 1_000 })),
      cached_tokens: count,
      reasoning_tokens: count,
      prompt_cache_hit_tokens: count,
      cache_read_input_tokens: count,
      cache_creation_input_tokens: count,
      prompt_tokens_details: fc.record({ cached_tokens: count, audio_tokens: count, image_tokens: count }),
      completion_tokens_details: fc.record({
        reasoning_tokens: count,
        audio_tokens: count,
        image_tokens: count,
      }),
    });
    fc.assert(
      fc.property(usage, (given) => {
        const parsed = parseUsage(given);
        fc.pre(parsed !== null);
        const sums = makeUsage(parsed.buckets);
        expect(Object.values(parsed.buckets).every((bucket) => bucket >= 0)).toBe(true);
        expect(parsed.promptTokens).toBe(sums.promptTokens);
        expect(parsed.completionTokens).toBe(sums.completionTokens);
        expect(parsed.totalTokens).toBeGreaterThanOrEqual(sums.totalTokens);
      }),
    );
  });
});

describe('the usage of embeddings', () => {
  it('is its prompt', () => {
    expect(parseEmbeddingUsage({ prompt_tokens: 8, total_tokens: 8 })).toEqual(makeUsage({ inputTokens: 8 }));
    expect(parseEmbeddingUsage({ total_tokens: 8 })).toEqual(makeUsage({ inputTokens: 8 }));
  });

  it.each([undefined, null, {}, { prompt_tokens: 0, total_tokens: 0 }, { prompt_tokens: 'many' }])(
    'that is %j is unknown',
    (usage) => {
      expect(parseEmbeddingUsage(usage)).toBeNull();
    },
  );
});

describe('a guess at a usage', () => {
  it('is a token per four characters, begun ones whole, and at least one', () => {
    expect(estimateUsage(400, 9)).toEqual({
      ...makeUsage({ inputTokens: 100, outputTokens: 3 }),
      isEstimated: true,
    });
    expect(estimateUsage(0, 0)).toMatchObject({ promptTokens: 1, completionTokens: 1, totalTokens: 2 });
  });

  it('at a request without an answer in words is its prompt', () => {
    expect(estimatePromptUsage(7)).toEqual({ ...makeUsage({ inputTokens: 7 }), isEstimated: true });
    expect(estimatePromptUsage(0).promptTokens).toBe(1);
  });
});
