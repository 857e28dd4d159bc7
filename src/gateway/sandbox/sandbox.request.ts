import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { isObject, type JsonObject } from './sandbox.json.js';
import { readMessages, type SandboxMessage } from './sandbox.messages.js';
import { readResponseFormat, type ResponseFormat } from './sandbox.response-format.js';
import { readTools, type ToolRequest } from './sandbox.tool-request.js';

/** A chat completion request that passed every check. */
export interface SandboxRequest {
  readonly model: string;
  readonly messages: readonly SandboxMessage[];
  /** Tokens of the answer at most, of each choice and with its reasoning; null without a limit. */
  readonly maxTokens: number | null;
  readonly stops: readonly string[];
  /** Parameters that may change the text, in a fixed order; null where not given. */
  readonly sampling: readonly unknown[];
  readonly isStream: boolean;
  /** Whether a stream ends with a chunk of usage. */
  readonly isUsageIncluded: boolean;
  readonly choiceCount: number;
  /** Null where no tools are given. */
  readonly tools: ToolRequest | null;
  readonly responseFormat: ResponseFormat;
  /** Alternatives to tell for each token; null where no log probabilities are asked for. */
  readonly topLogprobs: number | null;
  /** Null where the answer is not to be reasoned about. */
  readonly reasoningEffort: ReasoningEffort | null;
}

export const REASONING_EFFORTS = ['minimal', 'low', 'medium', 'high', 'xhigh'] as const;
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];

const MAX_MODEL_LENGTH = 256;
const MAX_STOPS = 4;
const MAX_CHOICES = 8;
const MAX_TOP_LOGPROBS = 20;
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
  return {
    model: readModel(body),
    messages: readMessages(body['messages']),
    ...readStreaming(body),
    maxTokens: readLimit(body, 'max_completion_tokens') ?? readLimit(body, 'max_tokens'),
    stops: readStops(body['stop']),
    sampling: SAMPLING.map((name) => body[name] ?? null),
    choiceCount: readWhole(body, 'n', 1, MAX_CHOICES) ?? 1,
    tools: readTools(body),
    responseFormat: readResponseFormat(body['response_format']),
    topLogprobs: readLogprobs(body),
    reasoningEffort: readReasoningEffort(body['reasoning_effort']),
  };
}

/** @throws SandboxRefusal for a model that is no name */
export function readModel(body: JsonObject): string {
  const { model } = body;
  if (typeof model !== 'string' || model === '' || model.length > MAX_MODEL_LENGTH) {
    throw refusal(`model must be a string of 1 to ${MAX_MODEL_LENGTH} characters.`, 'model');
  }
  return model;
}

/** A whole number within bounds; null where none is given. */
export function readWhole(body: JsonObject, name: string, least: number, most: number): number | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw refusal(`${name} must be a whole number from ${least} to ${most}.`, name);
  }
  return value;
}

function readStreaming(body: JsonObject): Pick<SandboxRequest, 'isStream' | 'isUsageIncluded'> {
  const isStream = readFlag(body, 'stream', 'stream');
  const options = body['stream_options'] ?? null;
  if (options === null) return { isStream, isUsageIncluded: false };
  if (!isObject(options)) throw refusal('stream_options must be an object.', 'stream_options');
  if (!isStream) throw refusal('stream_options needs stream to be true.', 'stream_options');
  return { isStream, isUsageIncluded: readFlag(options, 'include_usage', 'stream_options.include_usage') };
}

function readFlag(body: JsonObject, name: string, param: string): boolean {
  const value = body[name] ?? false;
  if (typeof value !== 'boolean') throw refusal(`${param} must be true or false.`, param);
  return value;
}

function readLimit(body: JsonObject, name: string): number | null {
  return readWhole(body, name, 1, Number.MAX_SAFE_INTEGER);
}

function readLogprobs(body: JsonObject): number | null {
  const isAsked = readFlag(body, 'logprobs', 'logprobs');
  const top = readWhole(body, 'top_logprobs', 0, MAX_TOP_LOGPROBS);
  if (!isAsked && top !== null) throw refusal('top_logprobs needs logprobs to be true.', 'top_logprobs');
  return isAsked ? (top ?? 0) : null;
}

function readReasoningEffort(effort: unknown): ReasoningEffort | null {
  if (effort === undefined || effort === null || effort === 'none') return null;
  const known = REASONING_EFFORTS.find((name) => name === effort);
  if (known === undefined) {
    const names = ['none', ...REASONING_EFFORTS].join(', ');
    throw refusal(`reasoning_effort must be one of ${names}.`, 'reasoning_effort');
  }
  return known;
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

function refusal(message: string, param: string | null = null): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, param));
}
