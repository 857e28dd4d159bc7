import { toOpenAiError } from '../common/openai-error.js';
import { toUnixSeconds } from '../common/time.js';
import type { CallEvent, CallUsage, StreamedChat } from './job-calls.types.js';

export interface FrameOptions {
  /** Whether a last chunk tells of the tokens, as OpenAI's `stream_options.include_usage` asks for. */
  readonly includeUsage: boolean;
  /** What a last chunk tells beside, in an order of its own; only with usage. */
  readonly summary?: (end: CallEvent & { kind: 'end' }) => Promise<object>;
}

/**
 * A stream as OpenAI's `chat.completion.chunk` frames: its id is the call's, its model the group. An answer
 * that ends ends with `[DONE]`; one that breaks off ends with a frame that holds an error, and without it.
 */
export async function* chatFrames(call: StreamedChat, options: FrameOptions): AsyncGenerator<string> {
  const head = headOf(call);
  for await (const events of call.events) {
    let frames = '';
    for (const event of events) {
      switch (event.kind) {
        case 'chunk':
          frames += frame(head, event.chunk);
          break;
        case 'end':
          if (options.includeUsage) {
            const summary = (await options.summary?.(event)) ?? {};
            frames += frame(head, { choices: [], usage: toOpenAiUsage(event.usage), ...summary });
          }
          frames += 'data: [DONE]\n\n';
          break;
        case 'failed':
          frames += `data: ${JSON.stringify(toOpenAiError(event.error))}\n\n`;
          break;
      }
    }
    if (frames !== '') yield frames;
  }
}

/** Tokens as OpenAI counts them: the details are parts of the counts before them. */
export function toOpenAiUsage(usage: CallUsage): {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  completion_tokens_details: { reasoning_tokens: number };
} {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** The id of a completion and of its chunks: an upstream's would tell who it is. */
export function chatCompletionId(callId: string): string {
  return `chatcmpl-${callId}`;
}

/** What is the same in every chunk of a stream, as the beginning of its text. */
function headOf({ callId, startedAt, modelGroup }: StreamedChat): string {
  const head = {
    id: chatCompletionId(callId),
    object: 'chat.completion.chunk',
    created: toUnixSeconds(startedAt),
    model: modelGroup,
  };
  return `data: ${JSON.stringify(head).slice(0, -1)},`;
}

function frame(head: string, rest: object): string {
  return `${head}${JSON.stringify(rest).slice(1)}\n\n`;
}
