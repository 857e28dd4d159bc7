import { type SandboxRequest } from './sandbox.request.js';
import { composeText } from './sandbox.text.js';
import { countPromptTokens, type Tokenizer } from './sandbox.tokens.js';

export interface SandboxUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** The content of an answer and what it took. */
export interface Completion {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly usage: SandboxUsage;
}

/** What is answered to a request: deterministic, since the tokenizer and the text are. */
export function complete(tokenizer: Tokenizer, request: SandboxRequest): Completion {
  const { text, finishReason, completionTokens } = cutText(
    tokenizer,
    composeText(sourceOf(request)),
    request,
  );
  const promptTokens = countPromptTokens(tokenizer, request.messages);
  return {
    text,
    finishReason,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

/** The limits are no part of the seed: a cut answer is the beginning of the whole one. */
function sourceOf(request: SandboxRequest): Parameters<typeof composeText>[0] {
  const lastUser = request.messages.findLast(({ role }) => role === 'user');
  return {
    lastUserText: lastUser === undefined ? null : lastUser.texts.join(' '),
    model: request.model,
    seed: [request.messages.map(({ role, name, texts }) => [role, name, texts]), request.sampling],
  };
}

/**
 * A stop text counts only where it lies within the limit, as a model meets its limit before it can write
 * what would come after.
 */
function cutText(
  tokenizer: Tokenizer,
  whole: string,
  { maxTokens, stops }: SandboxRequest,
): { text: string; finishReason: 'stop' | 'length'; completionTokens: number } {
  const tokens = tokenizer.encode(whole);
  const limit = maxTokens ?? tokens.length;
  const isLimited = tokens.length > limit;
  const text = isLimited ? tokenizer.decode(tokens.slice(0, limit)) : whole;
  const positions = stops.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
  if (positions.length > 0) {
    const stopped = text.slice(0, Math.min(...positions));
    // A text that ends within a token may take more tokens than the model spent on it.
    const completionTokens = Math.min(tokenizer.encode(stopped).length, limit);
    return { text: stopped, finishReason: 'stop', completionTokens };
  }
  return isLimited
    ? { text, finishReason: 'length', completionTokens: limit }
    : { text, finishReason: 'stop', completionTokens: tokens.length };
}
