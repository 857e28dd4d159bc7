import { describe, expect, it } from '@jest/globals';
import { costUsdOf } from './sandbox.prices.js';

describe('the cost of a completion', () => {
  it.each([
    // 1,000 × 0.15 / 1M + 500 × 0.60 / 1M
    ['gpt-4o-mini', 1_000, 500, '0.00045'],
    // 1 × 0.50 / 1M: a number would be written 5e-7
    ['gpt-3.5-turbo', 1, 0, '0.0000005'],
    ['gpt-3.5-turbo', 0, 2, '0.000003'],
    ['gpt-4o', 9, 5, '0.0000725'],
    ['gpt-4', 1_000_000, 1_000_000, '90'],
    ['gpt-4-turbo', 3, 7, '0.00024'],
    ['claude-3-5-haiku', 10, 10, '0.000048'],
    ['claude-3-5-sonnet', 100, 1, '0.000315'],
    ['any-other-name', 1, 1, '0.000003'],
    // A price of the table belongs to the whole name only.
    ['gpt-4o-2024-08-06', 1_000_000, 0, '1'],
    ['constructor', 1_000_000, 0, '1'],
    // 9,007,199,254,740,991 × 0.15 / 1M: neither rounded nor in floating point
    ['gpt-4o-mini', 9_007_199_254_740_991, 0, '1351079888.21114865'],
  ])('of %s with %d and %d tokens is exact', (model, promptTokens, completionTokens, expected) => {
    expect(costUsdOf(model, promptTokens, completionTokens)).toBe(expected);
  });
});
