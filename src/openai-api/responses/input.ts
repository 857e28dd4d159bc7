import { invalidField } from '../../common/domain-error.js';
import { allowOnly, type Fields, fieldsOf, isAbsent, itemsOf, textOf, unsupported } from './fields.js';
import { MESSAGE_ROLES, type MessageRole, toChatContent, toToolContent } from './input-parts.js';
import type { Places } from './places.js';

type Message = Record<string, unknown> & { tool_calls?: Record<string, unknown>[] };

export interface TranslatedInput {
  readonly messages: readonly Message[];
  readonly places: Places;
}

const STORED_ITEM = 'nothing is stored, so send the item itself, as clients do with store: false';

/**
 * The messages of a chat request that say what the items say. What an answer has given may be sent back
 * as it is; its reasoning is left out, since it was not given either.
 *
 * @throws DomainError validation_failed
 */
export function toMessages(input: unknown, instructions: string | null | undefined): TranslatedInput {
  const writer = new InputWriter();
  if (!isAbsent(instructions)) writer.addText('system', instructions, 'instructions');
  if (typeof input === 'string') writer.addText('user', input, 'input');
  else {
    for (const [index, item] of itemsOf(input, 'input').entries()) {
      const place = `input.${String(index)}`;
      addItem(writer, fieldsOf(item, place, 'an item, such as a message'), place);
    }
  }
  return writer;
}

function addItem(writer: InputWriter, item: Fields, place: string): void {
  const { type = 'message' } = item;
  switch (type) {
    case 'message':
      writer.add(toMessage(item, place), place);
      return;
    case 'function_call':
      writer.addToolCall(toToolCall(item, place), place);
      return;
    case 'function_call_output':
      writer.add(toToolMessage(item, place), place);
      return;
    case 'reasoning':
      return;
    case 'item_reference':
      throw unsupported(place, STORED_ITEM);
    default:
      throw invalidField(
        `${place}.type`,
        'is_in',
        'must be one of message, function_call, function_call_output, reasoning',
      );
  }
}

function toMessage(item: Fields, place: string): Message {
  allowOnly(item, ['type', 'role', 'content', 'id', 'status', 'phase'], place);
  const { role } = item;
  if (!isMessageRole(role)) {
    throw invalidField(`${place}.role`, 'is_in', `must be one of ${MESSAGE_ROLES.join(', ')}`);
  }
  return { role, content: toChatContent(item['content'], role, `${place}.content`) };
}

function toToolCall(item: Fields, place: string): Record<string, unknown> {
  // The official client parses the arguments of a call that it sends back.
  allowOnly(item, ['type', 'call_id', 'name', 'arguments', 'id', 'status', 'parsed_arguments'], place);
  return {
    id: textOf(item['call_id'], `${place}.call_id`),
    type: 'function',
    function: {
      name: textOf(item['name'], `${place}.name`),
      arguments: textOf(item['arguments'], `${place}.arguments`),
    },
  };
}

function toToolMessage(item: Fields, place: string): Message {
  allowOnly(item, ['type', 'call_id', 'output', 'id', 'status'], place);
  return {
    role: 'tool',
    tool_call_id: textOf(item['call_id'], `${place}.call_id`),
    content: toToolContent(item['output'], `${place}.output`),
  };
}

function isMessageRole(role: unknown): role is MessageRole {
  return (MESSAGE_ROLES as readonly unknown[]).includes(role);
}

/** Gathers messages, and of each where it came from. */
class InputWriter implements TranslatedInput {
  readonly messages: Message[] = [];
  readonly places = new Map<string, string>();

  add(message: Message, place: string): void {
    this.places.set(`messages.${String(this.messages.length)}`, place);
    this.messages.push(message);
  }

  /** A message that the client has sent as its text alone. */
  addText(role: MessageRole, content: string, place: string): void {
    this.places.set(`messages.${String(this.messages.length)}.content`, place);
    this.add({ role, content }, place);
  }

  /** The calls of one turn, and the text before them, are one message of the assistant. */
  addToolCall(call: Record<string, unknown>, place: string): void {
    let message = this.messages.at(-1);
    if (message?.['role'] !== 'assistant') {
      message = { role: 'assistant', content: null };
      this.add(message, place);
    }
    message.tool_calls ??= [];
    const index = `messages.${String(this.messages.length - 1)}.tool_calls.${String(message.tool_calls.length)}`;
    this.places.set(index, place);
    message.tool_calls.push(call);
  }
}
