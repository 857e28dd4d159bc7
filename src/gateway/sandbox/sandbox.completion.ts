import { type FaultPlan, NO_FAULTS } from './sandbox.faults.js';
import { contentOf } from './sandbox.content.js';
import { logprobsOf, type TokenLogprob } from './sandbox.logprobs.js';
import { audioTokensOf, type SandboxMessage } from './sandbox.messages.js';
import { type ReasoningEffort, type SandboxRequest } from './sandbox.request.js';
import { composeReasoning } from './sandbox.text.js';
import { countPromptTokens, type Tokenizer } from './sandbox.tokens.js';
import { callOf, functionsToCall, type ToolCall } from './sandbox.tool-calls.js';

export interface SandboxUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly audio_tokens: number };
  readonly completion_tokens_details?: { readonly reasoning_tokens: number };
}

export type FinishReason = 'stop' | 'length' | 'tool_calls';

/** One of the answers to a request: text or calls of tools, perhaps with the reasoning before it. */
export interface Choice {
  /** Null where tools are called. */
  readonly text: string | null;
  readonly toolCalls: readonly ToolCall[];
  /** Null where none was asked for. */
  readonly reasoning: string | null;
  readonly finishReason: FinishReason;
  /** Null where none were asked for. */
  readonly logprobs: readonly TokenLogprob[] | null;
}

/** The content of an answer and what it took. */
export interface Completion {
  readonly choices: readonly Choice[];
  readonly usage: SandboxUsage;
}

/** What a completion is made of, the same for each of its choices. */
interface Making {
  readonly tokenizer: Tokenizer;
  readonly request: SandboxRequest;
  readonly faults: Pick<FaultPlan, 'chunks' | 'schema'>;
  readonly lastUserText: string | null;
  /** What a tool returned, where that is the last message. */
  readonly toolText: string | null;
  readonly seed: readonly unknown[];
}

/** A choice with what it took of the tokens. */
interface CountedChoice extends Choice {
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

const SENTENCES: Readonly<Record<ReasoningEffort, number>> = {
  minimal: 1,
  low: 2,
  medium: 4,
  high: 8,
  xhigh: 16,
};

/** What is answered to a request: deterministic, since the tokenizer and the text are. */
export function complete(
  tokenizer: Tokenizer,
  request: SandboxRequest,
  faults: Pick<FaultPlan, 'chunks' | 'schema'> = NO_FAULTS,
): Completion {
  const making = { tokenizer, request, faults, ...sourceOf(request) };
  const choices = Array.from({ length: request.choiceCount }, (_, index) => makeChoice(making, index));
  const toolTokens = request.tools === null ? 0 : tokenizer.count(request.tools.text);
  const promptTokens = countPromptTokens(tokenizer, request.messages) + toolTokens;
  return { choices, usage: usageOf(request, promptTokens, choices) };
}

function usageOf(
  { messages, reasoningEffort }: SandboxRequest,
  promptTokens: number,
  choices: readonly CountedChoice[],
): SandboxUsage {
  const completionTokens = choices.reduce((sum, choice) => sum + choice.completionTokens, 0);
  const reasoningTokens = choices.reduce((sum, choice) => sum + choice.reasoningTokens, 0);
  const audioTokens = audioTokensOf(messages);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(audioTokens === 0 ? {} : { prompt_tokens_details: { audio_tokens: audioTokens } }),
    ...(reasoningEffort === null ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

/** The limits are no part of the seed: a cut answer is the beginning of the whole one. */
function sourceOf(request: SandboxRequest): Pick<Making, 'lastUserText' | 'toolText' | 'seed'> {
  const lastUser = request.messages.findLast(({ role }) => role === 'user');
  const last = request.messages.at(-1);
  return {
    lastUserText: lastUser === undefined ? null : lastUser.texts.join(' '),
    toolText: last?.role === 'tool' ? last.texts.join(' ') : null,
    seed: [request.messages.map(seedOf), request.sampling],
  };
}

function seedOf({ role, name, texts, callTexts, media }: SandboxMessage): unknown[] {
  const digests = media.map(({ digest }) => digest);
  return [role, name, texts, ...(callTexts.length === 0 ? [] : [callTexts]), ...digests];
}

/** The first choice is the one that a request for a single one gets. */
function makeChoice(making: Making, index: number): CountedChoice {
  const { request, lastUserText, toolText } = making;
  const seed = index === 0 ? making.seed : [making.seed, index];
  const { reasoning, reasoningTokens } = reason(making, seed);
  const limit = request.maxTokens === null ? Number.POSITIVE_INFINITY : request.maxTokens - reasoningTokens;
  const functions = functionsToCall(request.tools, lastUserText, toolText !== null);
  const counted =
    functions.length > 0
      ? cutCalls(
          making.tokenizer,
          functions.map((one) => callOf(one, seed)),
          limit,
        )
      : writeText(making, index, limit);
  const { completionTokens, ...answer } = counted;
  return { ...answer, reasoning, reasoningTokens, completionTokens: completionTokens + reasoningTokens };
}

function reason(
  { tokenizer, request: { reasoningEffort, maxTokens } }: Making,
  seed: unknown,
): { reasoning: string | null; reasoningTokens: number } {
  if (reasoningEffort === null) return { reasoning: null, reasoningTokens: 0 };
  const tokens = tokenizer.encode(composeReasoning(seed, SENTENCES[reasoningEffort]));
  const kept = tokens.slice(0, maxTokens ?? tokens.length);
  return { reasoning: tokenizer.decode(kept), reasoningTokens: kept.length };
}

type Answer = Pick<CountedChoice, 'text' | 'toolCalls' | 'finishReason' | 'logprobs' | 'completionTokens'>;

function writeText(making: Making, index: number, limit: number): Answer {
  const { tokenizer, request } = making;
  const whole = contentOf({ ...making, index, model: request.model, format: request.responseFormat });
  const { tokens, ...cut } = cutText(tokenizer, whole, limit, request.stops);
  const { topLogprobs } = request;
  const logprobs = topLogprobs === null ? null : logprobsOf(tokenizer, tokens, topLogprobs);
  return { ...cut, toolCalls: [], logprobs };
}

/**
 * A stop text counts only where it lies within the limit, as a model meets its limit before it can write
 * what would come after.
 */
function cutText(
  tokenizer: Tokenizer,
  whole: string,
  limit: number,
  stops: readonly string[],
): { text: string; finishReason: FinishReason; completionTokens: number; tokens: readonly number[] } {
  const tokens = tokenizer.encode(whole);
  const isLimited = tokens.length > limit;
  const kept = isLimited ? tokens.slice(0, limit) : tokens;
  const text = isLimited ? tokenizer.decode(kept) : whole;
  const positions = stops.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
  if (positions.length > 0) {
    const stopped = text.slice(0, Math.min(...positions));
    const stoppedTokens = tokenizer.encode(stopped);
    // A text that ends within a token may take more tokens than the model spent on it.
    const completionTokens = Math.min(stoppedTokens.length, limit);
    return { text: stopped, finishReason: 'stop', completionTokens, tokens: stoppedTokens };
  }
  const finishReason = isLimited ? 'length' : 'stop';
  return { text, finishReason, completionTokens: kept.length, tokens: kept };
}

/** Calls take the tokens of their names and arguments; the call in which the limit lies is cut there. */
function cutCalls(tokenizer: Tokenizer, calls: readonly ToolCall[], limit: number): Answer {
  const kept: ToolCall[] = [];
  let left = limit;
  let completionTokens = 0;
  for (const call of calls) {
    if (left <= 0) break;
    const nameTokens = Math.min(tokenizer.count(call.name), left);
    const tokens = tokenizer.encode(call.arguments);
    const written = tokens.slice(0, Math.min(tokens.length, left - nameTokens));
    const isWhole = written.length === tokens.length;
    kept.push(isWhole ? call : { ...call, arguments: tokenizer.decode(written) });
    completionTokens += nameTokens + written.length;
    left = isWhole ? left - nameTokens - written.length : 0;
  }
  const isCut = kept.length < calls.length || kept.some((call, index) => call !== calls[index]);
  return {
    text: null,
    toolCalls: kept,
    finishReason: isCut ? 'length' : 'tool_calls',
    logprobs: null,
    completionTokens,
  };
}
