import { DomainError, type FieldError, validationFailed } from '../../common/domain-error.js';

/** Where a part of a chat request came from, by its place there: `messages.2` is `input.3`. */
export type Places = ReadonlyMap<string, string>;

/** The names of fields that are called otherwise in a chat request. */
const FIELD_NAMES: ReadonlyMap<string, string> = new Map([
  ['messages', 'input'],
  ['max_completion_tokens', 'max_output_tokens'],
  ['reasoning_effort', 'reasoning.effort'],
  ['verbosity', 'text.verbosity'],
  ['response_format', 'text.format'],
]);

const CHAT_PLACE =
  /\b(?:messages|max_completion_tokens|reasoning_effort|verbosity|response_format|tools|tool_choice)(?:\.\w+)*/g;

/**
 * An error about the chat request that a request was translated to, told of the request itself: its client
 * has never seen the other one.
 */
export function retell(error: unknown, places: Places): unknown {
  if (!(error instanceof DomainError)) return error;
  const errors = error.details['errors'] as readonly FieldError[] | undefined;
  if (errors === undefined) return error;
  return validationFailed(
    errors.map((one) => ({
      ...one,
      field: toOwnPlace(placeIn(one.field, one.message), places),
      message: one.message.replaceAll(CHAT_PLACE, (place) => toOwnPlace(place, places)),
    })),
  );
}

/** Of messages only the text tells which one it is. */
function placeIn(field: string, message: string): string {
  return field === 'messages' ? (/^messages(?:\.\w+)+/.exec(message)?.[0] ?? field) : field;
}

function toOwnPlace(place: string, places: Places): string {
  const parts = place.split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const known = parts.slice(0, length).join('.');
    const own = places.get(known) ?? FIELD_NAMES.get(known);
    if (own !== undefined) return [own, ...toOwnParts(parts.slice(length))].join('.');
  }
  return toOwnParts(parts).join('.');
}

/** A chat request wraps functions, schemas and addresses of images once more. */
function toOwnParts(parts: readonly string[]): readonly string[] {
  return parts
    .filter((part) => !['function', 'json_schema', 'url'].includes(part))
    .map((part) => (part === 'tool_call_id' ? 'call_id' : part));
}
