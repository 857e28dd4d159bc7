import { randomInt } from 'node:crypto';
import { isObject } from '../common/json-object.js';

/** Words of OpenAI's, and what the words of others mean in them. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ...['stop', 'length', 'content_filter', 'tool_calls', 'function_call'].map((word) => [word, word] as const),
  ['max_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  ['safety', 'content_filter'],
]);

/**
 * Why an answer ended, in a word of OpenAI's: a provider's own one would tell which provider it is. Its clients
 * wait for one, so an unknown word is taken for the plain end. Null if there is none.
 */
export function toFinishReason(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  return FINISH_REASONS.get(value.toLowerCase()) ?? 'stop';
}

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What the strictest provider takes back in the next request. */
const ID_LENGTH = 9;

/** A provider's own id of a call of a tool would tell which provider it is. */
export function newToolCallId(): string {
  let id = '';
  for (let i = 0; i < ID_LENGTH; i += 1) id += ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length));
  return id;
}

/** Undefined where there is no text, so that the field is left out. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What the model thought, under the name that most upstreams use, or the one that the others use. */
export function toReasoning(message: Readonly<Record<string, unknown>>): string | undefined {
  return toText(message['reasoning_content']) ?? toText(message['reasoning']);
}

/** Arguments as text: some upstreams send the object itself. */
export function toArguments(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) ? JSON.stringify(value) : undefined;
}

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
}

/** Undefined where there are none, or what is there cannot be any. */
export function toLogprobs(value: unknown): object | undefined {
  if (!isObject(value)) return undefined;
  const content = toTokens(value['content']);
  const refusal = toTokens(value['refusal']);
  return content === null && refusal === null ? undefined : { content, refusal };
}

function toTokens(value: unknown): object[] | null {
  if (!Array.isArray(value)) return null;
  return value.flatMap((entry: unknown) => {
    const token = toToken(entry);
    if (token === null || !isObject(entry)) return [];
    const others: unknown = entry['top_logprobs'];
    const top = Array.isArray(others) ? others.map(toToken).filter((other) => other !== null) : [];
    return [{ ...token, top_logprobs: top }];
  });
}

function toToken(value: unknown): TokenLogprob | null {
  if (!isObject(value)) return null;
  const { token, logprob, bytes } = value;
  if (typeof token !== 'string' || typeof logprob !== 'number') return null;
  const isBytes = Array.isArray(bytes) && bytes.every((byte) => Number.isInteger(byte));
  return { token, logprob, bytes: isBytes ? (bytes as number[]) : null };
}
