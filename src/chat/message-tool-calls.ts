import { CALL_INDEX, PARSED_ARGUMENTS } from './echoed-fields.js';
import { isObject } from '../common/json-object.js';
import { findOtherField, isAbsent, isText, isTextWithin } from './json-checks.js';
import { isFunctionName, NAME_RULE } from './tools.validator.js';

/**
 * Ids are the upstream's. OpenAI's are short, but LiteLLM puts what some models signed of their thoughts
 * into the id, and refuses to go on without it.
 */
export const MAX_TOOL_CALL_ID_LENGTH = 65_536;
export const MAX_TOOL_CALLS = 128;

const CALL_FIELDS: ReadonlySet<string> = new Set(['id', 'type', 'function', CALL_INDEX]);
const FUNCTION_FIELDS: ReadonlySet<string> = new Set(['name', 'arguments', PARSED_ARGUMENTS]);

/** What is wrong with the tool calls of an assistant message, beginning at the message. */
export function findToolCallsProblem(value: unknown): string | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TOOL_CALLS) {
    return `.tool_calls must be an array of 1 to ${String(MAX_TOOL_CALLS)} tool calls`;
  }
  for (let index = 0; index < value.length; index += 1) {
    const problem = findToolCallProblem(value[index]);
    if (problem !== null) return `.tool_calls.${String(index)}${problem}`;
  }
  return null;
}

/** Ids that a later message of the role tool may answer. */
export function* toolCallIdsOf(message: unknown): Generator<string> {
  if (!isObject(message) || !Array.isArray(message['tool_calls'])) return;
  for (const call of message['tool_calls'] as unknown[]) {
    if (isObject(call) && typeof call['id'] === 'string') yield call['id'];
  }
}

function findToolCallProblem(call: unknown): string | null {
  if (!isObject(call)) return ' must be an object with id, type and function';
  const other = findOtherField(call, CALL_FIELDS);
  if (other !== null) return `.${other} is not a field of a tool call`;
  if (!isTextWithin(call['id'], MAX_TOOL_CALL_ID_LENGTH)) {
    return `.id must be text of 1 to ${String(MAX_TOOL_CALL_ID_LENGTH)} characters`;
  }
  if (call['type'] !== 'function') return '.type must be function: other kinds of tools are not supported';
  const { function: called } = call;
  if (!isObject(called)) return '.function must be an object with name and arguments';
  const otherOfFunction = findOtherField(called, FUNCTION_FIELDS);
  if (otherOfFunction !== null) return `.function.${otherOfFunction} is not a field of a called function`;
  if (!isFunctionName(called['name'])) return `.function.name ${NAME_RULE}`;
  if (isAbsent(called['arguments']) || !isText(called['arguments'])) {
    return '.function.arguments must be text: the JSON that the model wrote, as it wrote it';
  }
  return null;
}
