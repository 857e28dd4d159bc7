import { registerDecorator, type ValidationArguments } from 'class-validator';

/** Roles that a call may carry; those of tools come with tool calls. */
const ROLES: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant']);
const FIELDS: ReadonlySet<string> = new Set(['role', 'content', 'name']);
const MAX_NAME_LENGTH = 256;

/**
 * Messages in the shape of OpenAI's chat API: a role of the list and a content that is text or text
 * parts. One pass without copies, because prompts are large.
 */
export function IsChatMessages(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isChatMessages',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown) => findMessagesProblem(value) === null,
        defaultMessage: (argument?: ValidationArguments) =>
          findMessagesProblem(argument?.value) ?? 'messages is not valid',
      },
    });
  };
}

/** What is wrong with the messages, naming the place; null if nothing is. */
export function findMessagesProblem(value: unknown): string | null {
  if (!Array.isArray(value) || value.length === 0) {
    return 'messages must be an array with at least one message';
  }
  for (const [index, message] of (value as unknown[]).entries()) {
    const problem = findMessageProblem(message);
    if (problem !== null) return `messages.${String(index)}${problem}`;
  }
  return null;
}

function findMessageProblem(message: unknown): string | null {
  if (!isObject(message)) return ' must be an object with role and content';
  const unknownField = Object.keys(message).find((field) => !FIELDS.has(field));
  if (unknownField !== undefined) return `.${unknownField} is not a field of a message`;
  const { role, content, name } = message;
  if (typeof role !== 'string' || !ROLES.has(role)) return `.role must be one of ${[...ROLES].join(', ')}`;
  if (
    name !== undefined &&
    name !== null &&
    (typeof name !== 'string' || Array.from(name).length > MAX_NAME_LENGTH || !name.isWellFormed())
  ) {
    return `.name must be text of at most ${String(MAX_NAME_LENGTH)} characters`;
  }
  if (typeof content === 'string') return content.isWellFormed() ? null : '.content holds broken Unicode';
  if (!Array.isArray(content) || content.length === 0) {
    return '.content must be text or an array of text parts';
  }
  const badPart = (content as unknown[]).findIndex((part) => !isTextPart(part));
  return badPart === -1 ? null : `.content.${String(badPart)} must be {"type": "text", "text": "…"}`;
}

function isTextPart(part: unknown): boolean {
  return (
    isObject(part) &&
    Object.keys(part).length === 2 &&
    part['type'] === 'text' &&
    typeof part['text'] === 'string' &&
    part['text'].isWellFormed()
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
