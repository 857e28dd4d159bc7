import {
  newToolCallId,
  toArguments,
  toFinishReason,
  toLogprobs,
  toReasoning,
  toText,
} from './answer-parts.js';
import type { ChatAnswer, ChatChoice, ToolCall } from './gateway.types.js';
import { isObject, type JsonObject } from '../common/json-object.js';
import { parseJson } from './json-value.js';

/** A completion as far as it is read. */
export interface ParsedCompletion {
  readonly answer: ChatAnswer;
  /** As it came; {@link parseUsage} and {@link costFromUsage} read it. */
  readonly rawUsage: unknown;
}

/**
 * Reads OpenAI's `chat.completion`. Nothing passes but what is named here. Null if it is not one that holds
 * an answer.
 */
export function parseChatCompletion(body: string): ParsedCompletion | null {
  const completion = parseJson(body);
  if (!isObject(completion)) return null;
  const given: unknown = completion['choices'];
  if (!Array.isArray(given) || given.length === 0) return null;
  const choices: ChatChoice[] = [];
  for (const [position, value] of given.entries()) {
    const choice = toChoice(value, position);
    if (choice === null) return null;
    choices.push(choice);
  }
  return { answer: { choices }, rawUsage: completion['usage'] };
}

/** Characters that a model wrote, for the guess where no usage is reported. */
export function countAnswerCharacters({ choices }: ChatAnswer): number {
  let count = 0;
  for (const { message } of choices) {
    count += message.content?.length ?? 0;
    count += (message.refusal?.length ?? 0) + (message.reasoning_content?.length ?? 0);
    for (const call of message.tool_calls ?? []) {
      count += call.function.name.length + call.function.arguments.length;
    }
  }
  return count;
}

function toChoice(value: unknown, position: number): ChatChoice | null {
  if (!isObject(value) || !isObject(value['message'])) return null;
  const message = toMessage(value['message']);
  if (message === null) return null;
  const { index } = value;
  const logprobs = toLogprobs(value['logprobs']);
  return {
    index: Number.isSafeInteger(index) && (index as number) >= 0 ? (index as number) : position,
    message,
    ...(logprobs !== undefined && { logprobs }),
    finish_reason: toFinishReason(value['finish_reason']),
  };
}

function toMessage(message: JsonObject): ChatChoice['message'] | null {
  const { content = null } = message;
  if (typeof content !== 'string' && content !== null) return null;
  const refusal = toText(message['refusal']);
  const reasoning = toReasoning(message);
  const toolCalls = toToolCalls(message['tool_calls']);
  if (toolCalls === null) return null;
  return {
    role: 'assistant',
    content,
    ...(refusal !== undefined && { refusal }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
}

/** Null if there is one that cannot be read: an answer that lacks a call would be another answer. */
function toToolCalls(value: unknown): ToolCall[] | null {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return null;
  const calls: ToolCall[] = [];
  for (const given of value as unknown[]) {
    const call = isObject(given) && isObject(given['function']) ? given['function'] : {};
    const name = toText(call['name']);
    if (name === undefined) return null;
    calls.push({
      id: newToolCallId(),
      type: 'function',
      function: { name, arguments: toArguments(call['arguments']) ?? '{}' },
    });
  }
  return calls;
}
