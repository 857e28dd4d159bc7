import { invalidField } from '../../common/domain-error.js';
import {
  allowOnly,
  type Fields,
  fieldsOf,
  isAbsent,
  itemsOf,
  refuse,
  textOf,
  unsupported,
} from './fields.js';

export const MESSAGE_ROLES = ['user', 'assistant', 'system', 'developer'] as const;
export type MessageRole = (typeof MESSAGE_ROLES)[number];

const PARTS_OF_ROLE: Readonly<Record<MessageRole, readonly string[]>> = {
  user: ['input_text', 'input_image'],
  assistant: ['output_text', 'refusal'],
  system: ['input_text'],
  developer: ['input_text'],
};

const KEPT_AT_PROVIDER = 'nothing is kept at a provider';

/**
 * The content of a message as a chat request has it.
 *
 * @throws DomainError validation_failed
 */
export function toChatContent(content: unknown, role: MessageRole, place: string): unknown {
  if (typeof content === 'string') return content;
  const parts = itemsOf(content, place).map((part, index) =>
    toChatPart(fieldsOf(part, `${place}.${String(index)}`, 'a part'), role, `${place}.${String(index)}`),
  );
  // One text is sent as it is: some providers take no parts from an assistant.
  const [only] = parts;
  return parts.length === 1 && only?.['type'] === 'text' ? only['text'] : parts;
}

function toChatPart(part: Fields, role: MessageRole, place: string): Record<string, unknown> {
  const { type } = part;
  if (type === 'input_file') {
    throw unsupported(place, 'a file is read by one provider only. Send its text, or its pages as images');
  }
  if (typeof type !== 'string' || !PARTS_OF_ROLE[role].includes(type)) {
    throw invalidField(`${place}.type`, 'is_in', `must be one of ${PARTS_OF_ROLE[role].join(', ')}`);
  }
  switch (type) {
    case 'input_image':
      return toImagePart(part, place);
    case 'refusal':
      allowOnly(part, ['type', 'refusal'], place);
      return { type: 'refusal', refusal: textOf(part['refusal'], `${place}.refusal`) };
    default:
      // What an answer, or a client, says about its text comes back with it, and says nothing to a model.
      allowOnly(part, ['type', 'text', 'annotations', 'logprobs', 'parsed'], place);
      return { type: 'text', text: textOf(part['text'], `${place}.text`) };
  }
}

function toImagePart(part: Fields, place: string): Record<string, unknown> {
  allowOnly(part, ['type', 'image_url', 'detail', 'file_id'], place);
  refuse(part, 'file_id', place, KEPT_AT_PROVIDER);
  const { detail } = part;
  return {
    type: 'image_url',
    image_url: {
      url: textOf(part['image_url'], `${place}.image_url`),
      ...(!isAbsent(detail) && { detail }),
    },
  };
}

/** What a function has answered: text, or parts of text. @throws DomainError validation_failed */
export function toToolContent(output: unknown, place: string): unknown {
  return typeof output === 'string' ? output : toChatContent(output, 'system', place);
}
