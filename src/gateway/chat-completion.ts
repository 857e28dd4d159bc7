import { parseCostUsd } from '../common/money.js';
import type { ChatAnswer, Cost, Usage, UsageBuckets } from './gateway.types.js';

/** More tokens than any model reads or writes at once: a larger number is a fault, not a count. */
const MAX_TOKENS = 1_000_000_000;

/** Words of OpenAI's; a provider's own word would tell which provider it is. */
const FINISH_REASONS: ReadonlySet<string> = new Set([
  'stop',
  'length',
  'content_filter',
  'tool_calls',
  'function_call',
]);

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

/** Reads OpenAI's `chat.completion`. Null if it is not one that holds an answer. */
export function parseChatCompletion(body: string): { answer: ChatAnswer; usage: Usage | null } | null {
  const completion = parseObject(body);
  const choices = completion?.['choices'];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  if (completion === null || !isObject(choice) || !isObject(choice['message'])) return null;
  const { content = null } = choice['message'];
  if (typeof content !== 'string' && content !== null) return null;
  const finishReason = choice['finish_reason'];
  return {
    answer: {
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content },
          finish_reason: isFinishReason(finishReason) ? finishReason : null,
        },
      ],
    },
    usage: parseUsage(completion['usage']),
  };
}

/** Null if there is none or its counts cannot be counts. */
function parseUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const promptTokens = value['prompt_tokens'];
  const completionTokens = value['completion_tokens'];
  if (!isTokenCount(promptTokens) || !isTokenCount(completionTokens)) return null;
  // No chat has an empty prompt: LiteLLM writes zeros where its provider reported nothing.
  if (promptTokens === 0 && completionTokens === 0) return null;
  const total = value['total_tokens'];
  return {
    promptTokens,
    completionTokens,
    totalTokens: isTokenCount(total) ? total : promptTokens + completionTokens,
    buckets: { ...NO_TOKENS, inputTokens: promptTokens, outputTokens: completionTokens },
    isEstimated: false,
  };
}

/**
 * The cost an upstream reported in LiteLLM's `x-litellm-response-cost`. Its absence means unknown: the
 * proxy leaves the header out where it has no price.
 */
export function costFromHeader(header: string | null): Cost {
  const costUsd = header === null ? null : parseCostUsd(header.trim());
  return { costUsd, source: costUsd === null ? 'unpriced' : 'upstream_header', text: header };
}

/** Nothing left this machine, so nothing was spent. */
export const COST_OF_NOTHING_SENT: Cost = { costUsd: '0', source: 'not_sent', text: null };

/** Something may have been spent, and nobody said how much. */
export const UNKNOWN_COST: Cost = { costUsd: null, source: 'unpriced', text: null };

function isFinishReason(value: unknown): value is string {
  return typeof value === 'string' && FINISH_REASONS.has(value);
}

function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
