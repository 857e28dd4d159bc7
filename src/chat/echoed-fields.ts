import type { ChatMessage } from '../gateway/gateway.types.js';
import { isObject } from '../common/json-object.js';

/*
 * Clients give their users more than the answer had: what the text of a message or the arguments of a call
 * mean. Who goes on with the conversation sends it back with the message. It says nothing that the message
 * does not say, so it is taken and left out.
 */

/** Of a message of the assistant. */
export const PARSED_CONTENT = 'parsed';
/** Of a tool call that a client has put together from the pieces of a stream. */
export const CALL_INDEX = 'index';
/** Of the function of a tool call. */
export const PARSED_ARGUMENTS = 'parsed_arguments';

/** The same message if a client has added nothing, as to most. */
export function withoutEchoes(message: ChatMessage): ChatMessage {
  const own = PARSED_CONTENT in message ? withoutParsedContent(message) : message;
  const { tool_calls: calls } = own;
  if (!Array.isArray(calls) || !calls.some(hasEchoes)) return own;
  return { ...own, tool_calls: calls.map(withoutEchoesOfCall) };
}

function withoutParsedContent({ [PARSED_CONTENT]: _parsed, ...message }: ChatMessage): ChatMessage {
  return { ...message, role: message.role };
}

function hasEchoes(call: unknown): boolean {
  return (
    isObject(call) &&
    (CALL_INDEX in call || (isObject(call['function']) && PARSED_ARGUMENTS in call['function']))
  );
}

function withoutEchoesOfCall(call: unknown): unknown {
  if (!isObject(call) || !isObject(call['function'])) return call;
  const { [CALL_INDEX]: _index, ...own } = call;
  const { [PARSED_ARGUMENTS]: _parsed, ...called } = call['function'];
  return { ...own, function: called };
}
