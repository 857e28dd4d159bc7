import type { Usage, UsageBuckets } from './gateway.types.js';

const NO_TOKENS: UsageBuckets = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  audioInputTokens: 0,
  imageInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
};

/** For tests: a reported usage of the given buckets; its sums are theirs. */
export function makeUsage(given: Partial<UsageBuckets>): Usage {
  const buckets = { ...NO_TOKENS, ...given };
  const promptTokens =
    buckets.inputTokens +
    buckets.cacheReadTokens +
    buckets.cacheWriteTokens +
    buckets.audioInputTokens +
    buckets.imageInputTokens;
  const completionTokens =
    buckets.outputTokens + buckets.reasoningTokens + buckets.audioOutputTokens + buckets.imageOutputTokens;
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    buckets,
    isEstimated: false,
  };
}
