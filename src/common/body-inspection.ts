import { type DomainError, invalidField } from './domain-error.js';

/** Deeper nesting has no use in any body we take and would exhaust the stack of whatever walks it. */
export const MAX_BODY_DEPTH = 64;

/** Keys of one object: the work of class-transformer grows with their square. */
export const MAX_KEYS_PER_OBJECT = 1_000;

/** Objects, arrays and plain values in one body; prompts are few and long, so this is far above any. */
export const MAX_BODY_VALUES = 100_000;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Names that every object has: class-transformer drops a field that is called like one. */
const PROTOTYPE_NAMES: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Kept as they came, so their keys may be called anything that is not forbidden. */
const METADATA_FIELDS: ReadonlySet<string> = new Set(['metadata', 'call_metadata']);

interface Pending {
  readonly value: unknown;
  readonly depth: number;
  readonly isMetadata: boolean;
}

/** Whether a name is one that no field of a request has and validation would not see. */
export function isPrototypeName(name: string): boolean {
  return PROTOTYPE_NAMES.has(name);
}

/**
 * Refuses what must not reach the validation layer: keys that class-transformer would drop without a
 * word, numbers that JSON cannot carry on, and shapes that would keep it busy or exhaust its stack. It
 * walks with a stack of its own, so that the check itself cannot be exhausted.
 *
 * @throws DomainError 422
 */
export function inspectBody(body: unknown): void {
  const pending: Pending[] = [{ value: body, depth: 1, isMetadata: false }];
  let values = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth, isMetadata } = next;
    values += 1;
    if (values > MAX_BODY_VALUES) {
      throw tooComplex(`holds more than ${String(MAX_BODY_VALUES)} values`);
    }
    if (typeof value === 'number' && !Number.isFinite(value))
      throw tooComplex('holds a number that is too large');
    if (isMetadata && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw invalidField('metadata', 'unsafe_integer', 'holds an integer beyond 2^53 - 1: send it as text');
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_BODY_DEPTH) throw tooComplex(`is nested deeper than ${String(MAX_BODY_DEPTH)} levels`);
    if (Array.isArray(value)) {
      if (value.length > MAX_BODY_VALUES)
        throw tooComplex(`holds more than ${String(MAX_BODY_VALUES)} values`);
      for (const item of value) pending.push({ value: item, depth: depth + 1, isMetadata });
      continue;
    }
    const entries = Object.entries(value);
    if (entries.length > MAX_KEYS_PER_OBJECT) {
      throw tooComplex(`has an object of more than ${String(MAX_KEYS_PER_OBJECT)} keys`);
    }
    for (const [key, item] of entries) {
      refuseKey(key, isMetadata);
      pending.push({
        value: item,
        depth: depth + 1,
        isMetadata: isMetadata || (depth === 1 && METADATA_FIELDS.has(key)),
      });
    }
  }
}

function refuseKey(key: string, isMetadata: boolean): void {
  if (FORBIDDEN_KEYS.has(key))
    throw invalidField(key, 'forbidden_key', 'is not allowed as a key at any depth');
  if (!isMetadata && isPrototypeName(key)) {
    throw invalidField(key, 'unknown_field', 'is not a field of this request');
  }
}

function tooComplex(what: string): DomainError {
  return invalidField('body', 'body_too_complex', `${what}. Send less, or split it`);
}
