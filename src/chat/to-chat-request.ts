import type { ChatMessage, ChatRequest } from '../gateway/gateway.types.js';
import type { ChatParametersRequest } from './chat-parameters.request.js';
import { withoutEchoes } from './echoed-fields.js';
import { isObject } from '../common/json-object.js';
import { type AnswerSchema, compileAnswerSchema } from './json-schema.js';

/** How the client wants the answer. The layer itself decides what it asks of the upstream. */
export interface Streaming {
  readonly isStreamed: boolean;
  readonly includesUsage: boolean;
}

/** Keys of {@link ChatParametersRequest} that go to the upstream beside the messages. */
const PARAMETERS = [
  'temperature',
  'top_p',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'n',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'verbosity',
] as const satisfies readonly (keyof ChatParametersRequest)[];

/**
 * What goes to the upstream: the messages and the parameters that were given. Null counts as not given,
 * but for the content of a message, and but for what is free JSON: there it is a value.
 */
export function toChatRequest(request: ChatParametersRequest): ChatRequest {
  const given = PARAMETERS.map((name) => [name, request[name]] as const).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return {
    messages: request.messages.map(toMessage),
    parameters: Object.fromEntries(given.map(([name, value]) => [name, withoutInnerNulls(name, value)])),
  };
}

export function toStreaming({ stream, stream_options: options }: ChatParametersRequest): Streaming {
  return { isStreamed: stream === true, includesUsage: options?.include_usage === true };
}

/**
 * The schema that the answer has to keep to; null if none was sent.
 *
 * @throws DomainError validation_failed for a schema that is none
 */
export function toAnswerSchema({ response_format: format }: ChatParametersRequest): AnswerSchema | null {
  return format?.type === 'json_schema' ? compileAnswerSchema(format.json_schema.schema) : null;
}

function toMessage(message: ChatMessage): ChatMessage {
  const { content } = message;
  const sent = withoutEchoes(withoutNulls(message, ['content']));
  if (!Array.isArray(content)) return sent;
  const parts: readonly object[] = content;
  return parts.some(hasInnerNulls) ? { ...sent, content: parts.map(withoutNullsOfPart) } : sent;
}

function hasInnerNulls(part: object): boolean {
  return withoutNullsOfPart(part) !== part;
}

/** Only the details of an image may be null. */
function withoutNullsOfPart(part: object): object {
  if (!('image_url' in part) || !isObject(part.image_url)) return part;
  const image = withoutNulls(part.image_url);
  return image === part.image_url ? part : { ...part, image_url: image };
}

function withoutInnerNulls(name: (typeof PARAMETERS)[number], value: unknown): unknown {
  if (name === 'tools' && Array.isArray(value)) {
    return value.map((tool: unknown) => withoutNullsAt(tool, 'function'));
  }
  return name === 'response_format' ? withoutNullsAt(value, 'json_schema') : value;
}

function withoutNullsAt(value: unknown, key: string): unknown {
  if (!isObject(value)) return value;
  const inner = value[key];
  return isObject(inner) ? { ...value, [key]: withoutNulls(inner) } : withoutNulls(value);
}

/** The same object if it has no null, as most have none and messages are many. */
function withoutNulls<T extends object>(value: T, kept: readonly string[] = []): T {
  const entries = Object.entries(value);
  const isLeft = ([key, item]: [string, unknown]): boolean => item !== null || kept.includes(key);
  return entries.every(isLeft) ? value : (Object.fromEntries(entries.filter(isLeft)) as T);
}
