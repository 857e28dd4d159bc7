import { describe, expect, it } from '@jest/globals';
import { billOf } from './sandbox.bill.js';
import { costUsdOfBuckets } from './sandbox.prices.js';
import {
  type TokenBuckets,
  USAGE_SHAPE_NAMES,
  USAGE_SHAPES,
  type UsageShapeName,
} from './sandbox.usage-shapes.js';

function onlyOne(kind: keyof TokenBuckets): TokenBuckets {
  const none: TokenBuckets = {
    uncachedInput: 0,
    cacheRead: 0,
    cacheWrite: 0,
    audioInput: 0,
    imageInput: 0,
    output: 0,
    reasoning: 0,
    audioOutput: 0,
  };
  return { ...none, [kind]: 1_000_000 };
}

describe('the price of tokens by their kind', () => {
  it.each([
    ['uncachedInput', '1'],
    ['cacheRead', '0.1'],
    ['cacheWrite', '1.25'],
    ['audioInput', '10'],
    ['imageInput', '1.5'],
    ['output', '2'],
    ['reasoning', '2'],
    ['audioOutput', '20'],
  ] as const)('of a million of %s is %s USD', (kind, expected) => {
    expect(costUsdOfBuckets(onlyOne(kind))).toBe(expected);
  });
});

describe('the usage of a provider', () => {
  // Each worked out by hand: tokens × price of each kind, over a million.
  it.each<[UsageShapeName, string]>([
    // 882 × 1 + 1,024 × 0.1 + 100 × 10 + 132 × 2 + 128 × 2 + 40 × 20 = 3,304.4
    ['openai', '0.0033044'],
    // 150 × 1 + 2,000 × 0.1 + 1,000 × 1.25 + 150 × 2 + 60 × 2 = 2,020
    ['anthropic', '0.00202'],
    // 150 × 1 + 2,000 × 0.1 + 1,000 × 1.25 + 210 × 2 = 2,020
    ['anthropic-native', '0.00202'],
    // 742 × 1 + 400 × 0.1 + 100 × 10 + 258 × 1.5 + 130 × 2 + 400 × 2 = 3,229
    ['gemini', '0.003229'],
    // 1,000 × 1 + 130 × 2 + 400 × 2 = 2,060
    ['gemini-native', '0.00206'],
    // 176 × 1 + 1,024 × 0.1 + 160 × 2 + 90 × 2 = 778.4
    ['deepseek', '0.0007784'],
    // 400 × 1 + 600 × 0.1 + 120 × 2 + 300 × 2 = 1,300
    ['xai', '0.0013'],
    // 388 × 1 + 512 × 0.1 + 110 × 2 = 659.2
    ['moonshot', '0.0006592'],
    // 1,240 × 1 + 600 × 0.1 + 100 × 1.25 + 120 × 2 + 40 × 2 = 1,745
    ['openrouter', '0.001745'],
    // 30 × 1 + 420 × 2 = 870
    ['perplexity', '0.00087'],
    // 640 × 1 + 180 × 2 = 1,000
    ['groq', '0.001'],
    // 75 × 1 + 130 × 2 = 335
    ['mistral', '0.000335'],
  ])('%s costs the sum of its kinds, %s USD', (name, expected) => {
    expect(billOf('any-model', { prompt_tokens: 1, completion_tokens: 1 }, name).costUsd).toBe(expected);
  });

  it.each([
    // The tokens that a provider bills: prompt_tokens and completion_tokens where these hold all of them.
    ['openai', 2_006, 300],
    ['anthropic', 3_150, 210],
    // 150 + 1,000 + 2,000
    ['anthropic-native', 3_150, 210],
    ['gemini', 1_500, 530],
    // 130 + 400
    ['gemini-native', 1_000, 530],
    ['deepseek', 1_200, 250],
    // 120 + 300
    ['xai', 1_000, 420],
    ['moonshot', 900, 110],
    ['openrouter', 1_940, 160],
    ['perplexity', 30, 420],
    ['groq', 640, 180],
    ['mistral', 75, 130],
  ] as const)('%s has %d tokens of input and %d of output', (name, promptTokens, completionTokens) => {
    const bill = billOf('any-model', { prompt_tokens: 1, completion_tokens: 1 }, name);
    expect(bill).toMatchObject({ promptTokens, completionTokens });
  });

  it('that tells its own cost tells the same one', () => {
    expect(USAGE_SHAPES.openrouter.usage['cost']).toBe(0.001745);
    expect(USAGE_SHAPES.perplexity.usage['cost']).toMatchObject({ total_cost: 0.00087 });
  });

  it('is known for at least six providers', () => {
    expect(Object.keys(USAGE_SHAPES).sort()).toEqual([...USAGE_SHAPE_NAMES].sort());
    expect(USAGE_SHAPE_NAMES.length).toBeGreaterThanOrEqual(6);
  });
});
