import { createHash } from 'node:crypto';
import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { isObject, type JsonObject } from './sandbox.json.js';
import { type CountedMessage } from './sandbox.tokens.js';

/** A picture or sound in a message: counted with a fixed number of tokens, since nobody looks at it. */
export interface MediaPart {
  readonly kind: 'image' | 'audio';
  readonly tokens: number;
  /** What tells it from another one, in the place of megabytes. */
  readonly digest: string;
}

/** One message of a prompt. */
export interface SandboxMessage extends CountedMessage {
  readonly callTexts: readonly string[];
  readonly media: readonly MediaPart[];
}

/** OpenAI's counts for a picture at low detail, and for one of 1,024 by 1,024 pixels otherwise. */
const LOW_DETAIL_TOKENS = 85;
const IMAGE_TOKENS = 765;
const AUDIO_TOKENS = 100;

const ROLES: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
const URL_OF_IMAGE = /^(?:https?:\/\/\S|data:image\/[\w.+-]+;base64,)/i;

/** @throws SandboxRefusal with OpenAI's 400 */
export function readMessages(messages: unknown): SandboxMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw refusal('messages must be an array with at least one message.', 'messages');
  }
  return messages.map((message: unknown, index) => readMessage(message, `messages[${index}]`));
}

/** The tokens of sounds, which providers tell apart from those of text. */
export function audioTokensOf(messages: readonly SandboxMessage[]): number {
  return mediaTokensOf(messages.map((message) => message.media.filter(({ kind }) => kind === 'audio')));
}

function mediaTokensOf(media: readonly (readonly MediaPart[])[]): number {
  return media.flat().reduce((sum, { tokens }) => sum + tokens, 0);
}

function readMessage(message: unknown, param: string): SandboxMessage {
  if (!isObject(message)) throw refusal(`${param} must be an object.`, param);
  const { role, name, content } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) {
    throw refusal(`${param}.role must be one of ${ROLES.join(', ')}.`, `${param}.role`);
  }
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw refusal(`${param}.name must be a string.`, `${param}.name`);
  }
  if (role === 'tool' && typeof message['tool_call_id'] !== 'string') {
    throw refusal(`${param}.tool_call_id must be a string.`, `${param}.tool_call_id`);
  }
  const { texts, media } = readContent(content, role, `${param}.content`);
  const callTexts = role === 'assistant' ? readCalls(message['tool_calls'], `${param}.tool_calls`) : [];
  return { role, name: name ?? null, texts, callTexts, media, mediaTokens: mediaTokensOf([media]) };
}

function readContent(content: unknown, role: string, param: string): { texts: string[]; media: MediaPart[] } {
  if (typeof content === 'string') return { texts: [content], media: [] };
  // An assistant that only called tools has no content.
  if ((content === undefined || content === null) && role === 'assistant') return { texts: [], media: [] };
  if (!Array.isArray(content)) throw refusal(`${param} must be a string or an array of parts.`, param);
  const parts = content.map((part: unknown, index) => readPart(part, role, `${param}[${index}]`));
  return {
    texts: parts.filter((part) => typeof part === 'string'),
    media: parts.filter((part) => typeof part !== 'string'),
  };
}

function readPart(part: unknown, role: string, param: string): string | MediaPart {
  if (!isObject(part)) throw refusal(`${param} must be an object.`, param);
  const type = part['type'];
  if (type === 'text' && typeof part['text'] === 'string') return part['text'];
  if (role === 'user' && type === 'image_url') return readImage(part['image_url'], param);
  if (role === 'user' && type === 'input_audio') return readAudio(part['input_audio'], param);
  throw refusal(`${param} must be a text part, or a picture or sound of the user.`, param);
}

function readImage(image: unknown, param: string): MediaPart {
  const { url, detail } = isObject(image) ? image : ({} as JsonObject);
  if (typeof url !== 'string' || !URL_OF_IMAGE.test(url)) {
    throw refusal(`${param}.image_url.url must begin with http://, https:// or data:image/.`, param);
  }
  const tokens = detail === 'low' ? LOW_DETAIL_TOKENS : IMAGE_TOKENS;
  return { kind: 'image', tokens, digest: digestOf(url) };
}

function readAudio(audio: unknown, param: string): MediaPart {
  const { data, format } = isObject(audio) ? audio : ({} as JsonObject);
  if (typeof data !== 'string' || data === '' || typeof format !== 'string') {
    throw refusal(`${param}.input_audio needs data and format.`, param);
  }
  return { kind: 'audio', tokens: AUDIO_TOKENS, digest: digestOf(data) };
}

/** The names and arguments of the calls that an assistant made earlier. */
function readCalls(calls: unknown, param: string): string[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw refusal(`${param} must be an array.`, param);
  return calls.flatMap((call: unknown, index) => {
    const called = isObject(call) && isObject(call['function']) ? call['function'] : ({} as JsonObject);
    const { name, arguments: text } = called;
    if (typeof name !== 'string' || typeof text !== 'string') {
      throw refusal(`${param}[${index}].function needs a name and arguments.`, `${param}[${index}]`);
    }
    return [name, text];
  });
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function refusal(message: string, param: string): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}
