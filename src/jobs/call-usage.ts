import type { EndedAttempt } from '../gateway/gateway.types.js';
import type { CallTotals } from '../llm-calls/llm-calls.types.js';
import type { CallUsage } from './job-calls.types.js';

/** What a client is told of the tokens of its call. */
export function usageOf(totals: CallTotals, attempts: readonly EndedAttempt[]): CallUsage {
  let cachedTokens = 0;
  let reasoningTokens = 0;
  for (const { usage } of attempts) {
    cachedTokens += usage?.buckets.cacheReadTokens ?? 0;
    reasoningTokens += usage?.buckets.reasoningTokens ?? 0;
  }
  const { promptTokens, completionTokens, totalTokens } = totals;
  return { promptTokens, completionTokens, totalTokens, cachedTokens, reasoningTokens };
}
