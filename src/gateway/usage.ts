import type { Usage, UsageBuckets } from './gateway.types.js';
import { isObject, type JsonObject } from '../common/json-object.js';
import { objectOf } from './json-value.js';

/**
 * More tokens than any model reads or writes at once: a larger number is a fault, not a count. A prompt may be
 * three such numbers (itself, a cache read, a cache written), and Postgres must be able to add them up as integers.
 */
const MAX_TOKENS = 500_000_000;

/**
 * Reads the usage of a chat answer, whichever provider wrote it. Null if there is none, its counts cannot
 * be counts, or all of them are zero.
 *
 * The providers differ in what their prompt and completion hold: a cache may be in the prompt or beside it,
 * the reasoning in the completion or beside it. The total tells which, and where it is silent a part that is
 * larger than its whole must lie beside it.
 */
export function parseUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const prompt = value['prompt_tokens'] ?? value['input_tokens'];
  const completion = value['completion_tokens'] ?? value['output_tokens'];
  if (!isTokenCount(prompt) || !isTokenCount(completion)) return null;
  // No chat has an empty prompt: LiteLLM writes zeros where its provider reported nothing.
  if (prompt === 0 && completion === 0) return null;
  const total = isTokenCount(value['total_tokens']) ? value['total_tokens'] : null;
  const input = readInput(value);
  const output = readOutput(value);
  const cacheTokens = input.cacheReadTokens + input.cacheWriteTokens;
  const expectedTotal = prompt + completion + cacheTokens;
  // A total that fits both readings is that of the reasoning, whose count is a detail of its own.
  const isTotalWithCache = total === expectedTotal && output.reasoningTokens !== cacheTokens;
  const isCacheBeside =
    cacheTokens > 0 &&
    (isTotalWithCache || (input.isAnthropic && isBesideByNames(value, prompt, cacheTokens)));
  const promptTokens = isCacheBeside ? prompt + cacheTokens : prompt;
  const excess = total === null ? 0 : total - promptTokens - completion;
  const reasoning = reasoningBeside(output, completion, excess);
  return usageOf(promptTokens, completion + reasoning, total ?? 0, input, {
    ...output,
    reasoningTokens: Math.max(reasoning, output.reasoningTokens),
  });
}

/** Reads the usage of an answer that has no completion, as that of embeddings. */
export function parseEmbeddingUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const prompt = value['prompt_tokens'] ?? value['input_tokens'] ?? value['total_tokens'];
  if (!isTokenCount(prompt) || prompt === 0) return null;
  return usageOf(prompt, 0, 0, readInput(value), NO_OUTPUT);
}

/** A guess where nobody has reported any: a token per four characters, at least one. */
export function estimateUsage(promptCharacters: number, completionCharacters: number): Usage {
  return estimatedUsage(tokensOf(promptCharacters), tokensOf(completionCharacters));
}

/** A guess at a request that is answered without any text. */
export function estimatePromptUsage(promptTokens: number): Usage {
  return estimatedUsage(Math.max(1, promptTokens), 0);
}

const CHARACTERS_PER_TOKEN = 4;

export function tokensOf(characters: number): number {
  return Math.max(1, Math.ceil(characters / CHARACTERS_PER_TOKEN));
}

interface InputParts {
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly audioInputTokens: number;
  readonly imageInputTokens: number;
  /** Whether the cache is counted in fields of Anthropic's, who counts it beside the prompt. */
  readonly isAnthropic: boolean;
}

interface OutputParts {
  readonly reasoningTokens: number;
  readonly audioOutputTokens: number;
  readonly imageOutputTokens: number;
  /** Whether the reasoning is a count of its own, and no detail of the completion. */
  readonly isReasoningApart: boolean;
}

const NO_OUTPUT: OutputParts = {
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  isReasoningApart: false,
};

/** The same number may be there under several names, some of them zero: the largest is meant. */
function readInput(usage: JsonObject): InputParts {
  const details = objectOf(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  const native = largest(usage['cache_read_input_tokens']);
  const nativeWrite = largest(usage['cache_creation_input_tokens']);
  return {
    cacheReadTokens: largest(
      native,
      details['cached_tokens'],
      usage['cached_tokens'],
      usage['prompt_cache_hit_tokens'],
    ),
    cacheWriteTokens: largest(nativeWrite, details['cache_creation_tokens'], details['cache_write_tokens']),
    audioInputTokens: largest(details['audio_tokens']),
    imageInputTokens: largest(details['image_tokens']),
    isAnthropic: native > 0 || nativeWrite > 0,
  };
}

function readOutput(usage: JsonObject): OutputParts {
  const details = objectOf(usage['completion_tokens_details'] ?? usage['output_tokens_details']);
  const detailed = largest(details['reasoning_tokens']);
  const apart = largest(usage['reasoning_tokens']);
  return {
    reasoningTokens: Math.max(detailed, apart),
    audioOutputTokens: largest(details['audio_tokens']),
    imageOutputTokens: largest(details['image_tokens']),
    isReasoningApart: apart > 0 && detailed === 0,
  };
}

/** Anthropic's own answer has `input_tokens`, no total, and its cache beside them. LiteLLM rewrites all three. */
function isBesideByNames(usage: JsonObject, prompt: number, cacheTokens: number): boolean {
  const isNative = usage['prompt_tokens'] === undefined && usage['total_tokens'] === undefined;
  return isNative || cacheTokens > prompt;
}

/**
 * The tokens of reasoning that are missing in the completion. What the total has more than prompt and
 * completion is reasoning where the details say so, or where they say nothing: thoughts are all that
 * a provider is known to leave out of the completion and to bill.
 */
function reasoningBeside(output: OutputParts, completion: number, excess: number): number {
  const { reasoningTokens, isReasoningApart } = output;
  if (excess > 0) return reasoningTokens === 0 || reasoningTokens === excess ? excess : 0;
  return isReasoningApart && reasoningTokens > completion ? reasoningTokens : 0;
}

/** Each detail gets what those before it have left of the whole, so that they never claim more. */
function usageOf(
  promptTokens: number,
  completionTokens: number,
  totalTokens: number,
  input: InputParts,
  output: OutputParts,
): Usage {
  const [cacheReadTokens, cacheWriteTokens, audioInputTokens, imageInputTokens, inputTokens] = share(
    promptTokens,
    [input.cacheReadTokens, input.cacheWriteTokens, input.audioInputTokens, input.imageInputTokens],
  );
  const [reasoningTokens, audioOutputTokens, imageOutputTokens, outputTokens] = share(completionTokens, [
    output.reasoningTokens,
    output.audioOutputTokens,
    output.imageOutputTokens,
  ]);
  return {
    promptTokens,
    completionTokens,
    totalTokens: Math.max(totalTokens, promptTokens + completionTokens),
    buckets: {
      inputTokens: inputTokens ?? 0,
      cacheReadTokens: cacheReadTokens ?? 0,
      cacheWriteTokens: cacheWriteTokens ?? 0,
      audioInputTokens: audioInputTokens ?? 0,
      imageInputTokens: imageInputTokens ?? 0,
      outputTokens: outputTokens ?? 0,
      reasoningTokens: reasoningTokens ?? 0,
      audioOutputTokens: audioOutputTokens ?? 0,
      imageOutputTokens: imageOutputTokens ?? 0,
    },
    isEstimated: false,
  };
}

/** What each claim gets of the whole, in order, and last the rest. */
function share(whole: number, claims: readonly number[]): readonly number[] {
  let rest = whole;
  const shares = claims.map((claim) => {
    const granted = Math.min(claim, rest);
    rest -= granted;
    return granted;
  });
  return [...shares, rest];
}

function estimatedUsage(promptTokens: number, completionTokens: number): Usage {
  const buckets: UsageBuckets = {
    inputTokens: promptTokens,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    audioInputTokens: 0,
    imageInputTokens: 0,
    outputTokens: completionTokens,
    reasoningTokens: 0,
    audioOutputTokens: 0,
    imageOutputTokens: 0,
  };
  const totalTokens = promptTokens + completionTokens;
  return { promptTokens, completionTokens, totalTokens, buckets, isEstimated: true };
}

function largest(...values: readonly unknown[]): number {
  return Math.max(0, ...values.filter(isTokenCount));
}

function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS;
}
