import type { ChatRequest, EmbeddingRequest } from './gateway.types.js';
import { isObject } from '../common/json-object.js';
import { tokensOf } from './usage.js';

/**
 * Characters of a request that a model reads as text, for the guess where no usage is reported. Images and
 * sounds are left out: the length of their data says nothing about their tokens.
 */
export function countRequestCharacters(request: ChatRequest): number {
  let count = 0;
  for (const message of request.messages) {
    count += contentCharacters(message['content']) + textLength(message['reasoning_content']);
    count += jsonLength(message['tool_calls']);
  }
  return count + jsonLength(request.parameters['tools']);
}

/** Texts by their length; what came as tokens is counted, not guessed. */
export function countEmbeddingTokens({ input }: EmbeddingRequest): number {
  if (typeof input === 'string') return tokensOf(input.length);
  let count = 0;
  for (const part of input) {
    if (typeof part === 'number') count += 1;
    else count += typeof part === 'string' ? tokensOf(part.length) : part.length;
  }
  return count;
}

function contentCharacters(content: unknown): number {
  if (!Array.isArray(content)) return textLength(content);
  let count = 0;
  for (const part of content) {
    if (isObject(part)) count += textLength(part['text']) + textLength(part['refusal']);
  }
  return count;
}

function textLength(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

function jsonLength(value: unknown): number {
  return value === undefined || value === null ? 0 : JSON.stringify(value).length;
}
