import { DomainError, invalidField } from './domain-error.js';

/** Deeper nesting has no use in any body we take and would exhaust the stack of whatever walks it. */
export const MAX_BODY_DEPTH = 64;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Refuses what must not reach the validation layer: keys that class-transformer would drop without a
 * word, and nesting that recursive code cannot follow. It walks with a stack of its own, so that the
 * check itself cannot be exhausted.
 *
 * @throws DomainError 422
 */
export function inspectBody(body: unknown): void {
  const pending: { value: unknown; depth: number }[] = [{ value: body, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_BODY_DEPTH) {
      throw new DomainError({
        kind: 'invalid',
        code: 'body_too_deep',
        message: `The body is nested deeper than ${String(MAX_BODY_DEPTH)} levels. Flatten it.`,
      });
    }
    if (Array.isArray(value)) {
      for (const item of value) pending.push({ value: item, depth: depth + 1 });
      continue;
    }
    for (const [key, item] of Object.entries(value)) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw invalidField(key, 'forbidden_key', 'is not allowed as a key at any depth');
      }
      pending.push({ value: item, depth: depth + 1 });
    }
  }
}
