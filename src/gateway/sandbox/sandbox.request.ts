import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { type CountedMessage } from './sandbox.tokens.js';

/** A chat completion request that passed every check. */
export interface SandboxRequest {
  readonly model: string;
  readonly messages: readonly CountedMessage[];
  /** Tokens of the answer at most; null without a limit. */
  readonly maxTokens: number | null;
  readonly stops: readonly string[];
  /** Parameters that may change the text, in a fixed order; null where not given. */
  readonly sampling: readonly unknown[];
}

const MAX_MODEL_LENGTH = 256;
const MAX_STOPS = 4;
const ROLES: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
const SAMPLING = ['temperature', 'top_p', 'seed', 'presence_penalty', 'frequency_penalty'];

/** The model that a body names, for the record; empty where it names none. */
export function modelOf(body: unknown): string {
  return isObject(body) && typeof body['model'] === 'string' ? body['model'] : '';
}

/**
 * Checks a body that was read as JSON.
 *
 * @throws SandboxRefusal with OpenAI's 400 `invalid_request_error`
 */
export function readChatRequest(body: unknown): SandboxRequest {
  if (!isObject(body)) throw refusal('The body must be a JSON object.');
  const { model, messages, stream, n } = body;
  if (typeof model !== 'string' || model === '' || model.length > MAX_MODEL_LENGTH) {
    throw refusal(`model must be a string of 1 to ${MAX_MODEL_LENGTH} characters.`, 'model');
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw refusal('messages must be an array with at least one message.', 'messages');
  }
  if (stream !== undefined && stream !== null && stream !== false) {
    throw refusal('Streaming is not supported by the sandbox yet.', 'stream');
  }
  if (n !== undefined && n !== null && n !== 1) {
    throw refusal('The sandbox answers with exactly one choice: n must be 1.', 'n');
  }
  return {
    model,
    messages: messages.map((message: unknown, index) => readMessage(message, `messages[${index}]`)),
    maxTokens: readLimit(body, 'max_completion_tokens') ?? readLimit(body, 'max_tokens'),
    stops: readStops(body['stop']),
    sampling: SAMPLING.map((name) => body[name] ?? null),
  };
}

function readMessage(message: unknown, param: string): CountedMessage {
  if (!isObject(message)) throw refusal(`${param} must be an object.`, param);
  const { role, name, content } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) {
    throw refusal(`${param}.role must be one of ${ROLES.join(', ')}.`, `${param}.role`);
  }
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw refusal(`${param}.name must be a string.`, `${param}.name`);
  }
  return { role, name: name ?? null, texts: readContent(content, role, `${param}.content`) };
}

function readContent(content: unknown, role: string, param: string): string[] {
  if (typeof content === 'string') return [content];
  // An assistant that only called tools has no content.
  if ((content === undefined || content === null) && role === 'assistant') return [];
  if (!Array.isArray(content)) throw refusal(`${param} must be a string or an array of text parts.`, param);
  return content.map((part: unknown, index) => {
    if (!isObject(part) || part['type'] !== 'text' || typeof part['text'] !== 'string') {
      throw refusal(
        `${param}[${index}] must be a text part: the sandbox reads text only.`,
        `${param}[${index}]`,
      );
    }
    return part['text'];
  });
}

function readLimit(body: Record<string, unknown>, name: string): number | null {
  const limit = body[name];
  if (limit === undefined || limit === null) return null;
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1) {
    throw refusal(`${name} must be a whole number of at least 1.`, name);
  }
  return limit;
}

function readStops(stop: unknown): string[] {
  if (stop === undefined || stop === null) return [];
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  // An empty text is found everywhere and would end every answer before it begins.
  if (stops.length > MAX_STOPS || !stops.every(isStopText)) {
    throw refusal(`stop must be a string or an array of at most ${MAX_STOPS} strings, none empty.`, 'stop');
  }
  return stops;
}

function isStopText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(message: string, param: string | null = null): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}
