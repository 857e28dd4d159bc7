import { PARSED_CONTENT } from './echoed-fields.js';
import { isObject } from '../common/json-object.js';
import { isAbsent, isText, isTextWithin, quote } from './json-checks.js';
import { JudgedBy } from './judged-by.js';
import { findContentProblem, type Role, ROLES } from './message-parts.js';
import { findToolCallsProblem, MAX_TOOL_CALL_ID_LENGTH, toolCallIdsOf } from './message-tool-calls.js';

export const MAX_NAME_LENGTH = 256;

const COMMON_FIELDS = ['role', 'content', 'name'];
const FIELDS_OF_ROLE: Readonly<Record<Role, ReadonlySet<string>>> = {
  system: new Set(COMMON_FIELDS),
  developer: new Set(COMMON_FIELDS),
  user: new Set(COMMON_FIELDS),
  assistant: new Set([...COMMON_FIELDS, 'tool_calls', 'refusal', 'reasoning_content', PARSED_CONTENT]),
  tool: new Set([...COMMON_FIELDS, 'tool_call_id']),
};

/** Fields of messages that are known and refused. Clients that send an answer back have them as null. */
const REFUSED_FIELDS: ReadonlyMap<string, string> = new Map([
  ['audio', 'it refers to a sound that is kept at a provider'],
  ['function_call', 'it is deprecated: use tool_calls'],
  ['thinking_blocks', 'send reasoning_content'],
  ['provider_specific_fields', 'it is the language of one provider'],
  ['annotations', 'they belong to an answer: leave them out'],
]);

/**
 * Messages in the shape of OpenAI's chat API: of each role the fields and the parts that it may have. One
 * pass without copies, because prompts are large.
 */
export function IsChatMessages(): PropertyDecorator {
  return JudgedBy('isChatMessages', findMessagesProblem);
}

/** What is wrong with the messages, naming the place; null if nothing is. */
export function findMessagesProblem(value: unknown): string | null {
  if (!Array.isArray(value) || value.length === 0) {
    return 'messages must be an array with at least one message';
  }
  const askedIds = new Set<string>();
  for (let index = 0; index < value.length; index += 1) {
    const message: unknown = value[index];
    const problem = findMessageProblem(message, askedIds);
    if (problem !== null) return `messages.${String(index)}${problem}`;
    for (const id of toolCallIdsOf(message)) askedIds.add(id);
  }
  return null;
}

function findMessageProblem(message: unknown, askedIds: ReadonlySet<string>): string | null {
  if (!isObject(message)) return ' must be an object with role and content';
  const { role, name } = message;
  if (!isRole(role)) return `.role must be one of ${ROLES.join(', ')}`;
  const fieldProblem = findFieldProblem(message, role);
  if (fieldProblem !== null) return fieldProblem;
  if (!isAbsent(name) && name !== '' && !isTextWithin(name, MAX_NAME_LENGTH)) {
    return `.name must be text of at most ${String(MAX_NAME_LENGTH)} characters`;
  }
  switch (role) {
    case 'system':
    case 'developer':
    case 'user':
      return findContentProblem(message['content'], role);
    case 'assistant':
      return findAssistantProblem(message);
    case 'tool':
      return findToolProblem(message, askedIds);
  }
}

/** A field that the role has not. One that we know may be there as null. */
function findFieldProblem(message: Record<string, unknown>, role: Role): string | null {
  for (const field in message) {
    if (FIELDS_OF_ROLE[role].has(field)) continue;
    if (!isKnownField(field)) return `.${field} is not a field of a message`;
    if (message[field] === null) continue;
    const reason = REFUSED_FIELDS.get(field);
    return reason === undefined
      ? `.${field} is not a field of a message of the role ${role}`
      : `.${field} is refused: ${reason}`;
  }
  return null;
}

function isKnownField(field: string): boolean {
  return REFUSED_FIELDS.has(field) || ROLES.some((role) => FIELDS_OF_ROLE[role].has(field));
}

function findAssistantProblem(message: Record<string, unknown>): string | null {
  const { content, tool_calls: toolCalls, refusal, reasoning_content: reasoning } = message;
  if (!isAbsent(refusal) && !isText(refusal)) return '.refusal must be text';
  if (!isAbsent(reasoning) && !isText(reasoning)) return '.reasoning_content must be text';
  if (!isAbsent(toolCalls)) {
    const problem = findToolCallsProblem(toolCalls);
    if (problem !== null) return problem;
  }
  const mayLackContent = !isAbsent(toolCalls) || !isAbsent(refusal);
  return mayLackContent && isAbsent(content) ? null : findContentProblem(content, 'assistant');
}

function findToolProblem(message: Record<string, unknown>, askedIds: ReadonlySet<string>): string | null {
  const { tool_call_id: id, content } = message;
  if (!isTextWithin(id, MAX_TOOL_CALL_ID_LENGTH)) {
    return `.tool_call_id must be text of 1 to ${String(MAX_TOOL_CALL_ID_LENGTH)} characters`;
  }
  if (!askedIds.has(id)) {
    return `.tool_call_id ${quote(id)} answers no tool call of an assistant message before it`;
  }
  return findContentProblem(content, 'tool');
}

function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}
