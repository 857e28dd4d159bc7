import { invalidIdempotencyKey } from './idempotency.errors.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** A string of RFC 8941: quotes and backslashes in it are escaped. */
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/;

/**
 * Reads the header. The draft of the IETF has the key in quotes, what clients send is mostly bare; both
 * are the same key.
 *
 * @param values one for each time that the header was sent
 * @throws DomainError validation_failed
 */
export function parseIdempotencyKey(values: readonly string[]): string {
  const [value = ''] = values;
  if (values.length !== 1) throw invalidIdempotencyKey('must be sent once');
  const key = value.startsWith('"') ? unquote(value) : value;
  if (!KEY.test(key)) throw invalidIdempotencyKey();
  return key;
}

function unquote(value: string): string {
  if (!QUOTED.test(value)) throw invalidIdempotencyKey();
  return value.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
}
