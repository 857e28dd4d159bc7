import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inspectBody } from './body-inspection.js';
import { DomainError } from './domain-error.js';

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
      expect([refusal?.kind, refusal?.code]).toEqual(['invalid', 'body_too_deep']);
    }
  });

  it('with a text at level 65 is let through: a text needs no stack', () => {
    expect(refusalOf(JSON.parse(`${'['.repeat(64)}"x"${']'.repeat(64)}`))).toBeNull();
  });

  it('that would exhaust the stack of a recursive check is refused like any other deep one', () => {
    expect(refusalOf(JSON.parse(nested(100_000, '[', ']')))?.code).toBe('body_too_deep');
  });

  it('that is wide is let through', () => {
    expect(refusalOf(Array.from({ length: 200_000 }, () => ({})))).toBeNull();
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
