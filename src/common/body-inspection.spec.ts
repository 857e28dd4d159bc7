import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inspectBody } from './body-inspection.js';
import { DomainError, type FieldError } from './domain-error.js';

function refusalOf(body: unknown): DomainError | null {
  try {
    inspectBody(body);
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

/** JSON text whose value is `levels` arrays or objects inside each other. */
function nested(levels: number, open: string, close: string): string {
  return open.repeat(levels - 1) + (open === '[' ? '[]' : '{}') + close.repeat(levels - 1);
}

function codeOf(refusal: DomainError | null): string | undefined {
  return (refusal?.details['errors'] as FieldError[] | undefined)?.[0]?.code;
}

describe('a body', () => {
  it.each([
    undefined,
    null,
    true,
    0,
    'text with __proto__ in it',
    [],
    {},
    { protocol: 1, constructors: 2, proto: 3, Prototype: 4, 'a.constructor': 5 },
    { messages: [{ role: 'user', content: 'constructor' }] },
  ])('%j is let through', (body) => {
    expect(refusalOf(body)).toBeNull();
  });

  it.each(['__proto__', 'constructor', 'prototype'])('with the key %s is refused at any depth', (key) => {
    const places = [
      `{"${key}": 1}`,
      `{"a": {"${key}": null}}`,
      `[{"${key}": {}}]`,
      `{"metadata": {"list": [1, [2, {"deep": {"${key}": "x"}}]]}}`,
    ];
    for (const text of places) {
      const refusal = refusalOf(JSON.parse(text));

      expect([text, refusal?.kind]).toEqual([text, 'invalid']);
      expect(refusal?.details).toEqual({
        errors: [
          { field: key, code: 'forbidden_key', message: `${key} is not allowed as a key at any depth` },
        ],
      });
    }
  });

  it('may be nested 64 levels deep and no deeper', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      expect(refusalOf(JSON.parse(nested(64, open, close)))).toBeNull();
      const refusal = refusalOf(JSON.parse(nested(65, open, close)));
      expect([refusal?.kind, codeOf(refusal)]).toEqual(['invalid', 'body_too_complex']);
    }
  });

  it('with a text at level 65 is let through: a text needs no stack', () => {
    expect(refusalOf(JSON.parse(`${'['.repeat(64)}"x"${']'.repeat(64)}`))).toBeNull();
  });

  it('that would exhaust the stack of a recursive check is refused like any other deep one', () => {
    expect(codeOf(refusalOf(JSON.parse(nested(99_000, '[', ']'))))).toBe('body_too_complex');
  });

  it('may hold 100,000 values and no more, itself counted', () => {
    expect(refusalOf(Array.from({ length: 99_999 }, () => ({})))).toBeNull();
    expect(codeOf(refusalOf(Array.from({ length: 100_000 }, () => ({}))))).toBe('body_too_complex');
  });

  it('may have 1,000 keys in one object and no more', () => {
    const withKeys = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${String(index)}`, 1]));
    expect(refusalOf({ a: withKeys(1_000) })).toBeNull();
    expect(codeOf(refusalOf({ a: withKeys(1_001) }))).toBe('body_too_complex');
  });

  it.each(Object.getOwnPropertyNames(Object.prototype))('cannot hide a field called %s', (name) => {
    const field = (value: unknown) => Object.fromEntries([[name, value]]) as unknown;
    expect(refusalOf(field(1))).not.toBeNull();
    expect(refusalOf({ models: [field(1)] })).not.toBeNull();
    const isForbidden = ['__proto__', 'constructor'].includes(name);
    expect(refusalOf({ metadata: { deep: [field(1)] } }) === null).toBe(!isForbidden);
  });

  it('carries no number that JSON cannot carry on', () => {
    expect(codeOf(refusalOf(JSON.parse('{"a":1e400}')))).toBe('body_too_complex');
  });

  it.each(['9007199254740993', '-12345678901234567890', '1e300'])(
    'with the integer %s in metadata is refused, which would not be kept to the last digit',
    (integer) => {
      for (const field of ['metadata', 'call_metadata']) {
        const body: unknown = JSON.parse(`{"${field}":{"deep":[{"id":${integer}}]}}`);
        expect(codeOf(refusalOf(body))).toBe('unsafe_integer');
      }
    },
  );

  it('may have numbers in metadata that are kept as they are', () => {
    expect(refusalOf(JSON.parse('{"metadata":{"a":9007199254740991,"b":-1.5,"c":1e-9}}'))).toBeNull();
  });

  it('with long texts is let through', () => {
    expect(refusalOf({ messages: [{ content: 'x'.repeat(1_000_000) }] })).toBeNull();
  });

  it('of any JSON is let through or refused as invalid, and a forbidden key is never missed', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype'));
    // As text, because only JSON.parse makes "__proto__" an ordinary key.
    const { json } = fc.letrec<{ json: string }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom('null', 'true', '1.5', '"constructor"'),
        fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
        fc
          .array(fc.tuple(key, tie('json')), { maxLength: 4 })
          .map(
            (entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`,
          ),
      ),
    }));
    fc.assert(
      fc.property(json, (text) => {
        const keys = new Set<string>();
        const body: unknown = JSON.parse(text, (name, value: unknown) => {
          keys.add(name);
          return value;
        });
        const isForbidden = ['__proto__', 'constructor', 'prototype'].some((name) => keys.has(name));
        expect(refusalOf(body)?.kind ?? null).toBe(isForbidden ? 'invalid' : null);
      }),
      { numRuns: 500 },
    );
  });
});
