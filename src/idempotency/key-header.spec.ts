import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseIdempotencyKey } from './key-header.js';

const printable = fc.stringMatching(/^[\x20-\x7e]{1,255}$/);

describe('an Idempotency-Key', () => {
  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['a"b', 'a"b'],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', 'a\\b'],
    ['a\\b', 'a\\b'],
    ['a, b', 'a, b'],
    ["'abc'", "'abc'"],
    ['7f0c2a51-5b0e-4c53-9f4b-2f6f3a0f3c11', '7f0c2a51-5b0e-4c53-9f4b-2f6f3a0f3c11'],
  ])('sent as %s is %s', (value, key) => {
    expect(parseIdempotencyKey([value])).toBe(key);
  });

  it('is the same in quotes, whatever is in it', () => {
    fc.assert(
      fc.property(printable, (key) => {
        expect(parseIdempotencyKey([`"${key.replaceAll(/["\\]/g, '\\$&')}"`])).toBe(key);
        if (!key.startsWith('"')) expect(parseIdempotencyKey([key])).toBe(key);
      }),
    );
  });

  it.each([
    ['nothing', []],
    ['no character', ['']],
    ['empty quotes', ['""']],
    ['one quote', ['"']],
    ['a quote that is not closed', ['"abc']],
    ['text after the quotes', ['"abc";x=1']],
    ['two in one header', ['"a", "b"']],
    ['a quote in quotes', ['"a"b"']],
    ['a backslash that escapes something else', ['"a\\b"']],
    ['a backslash before the last quote', ['"a\\"']],
    ['256 characters', ['x'.repeat(256)]],
    ['256 characters in quotes', [`"${'x'.repeat(256)}"`]],
    ['a letter that is not ASCII', ['é']],
    ['a tab', ['a\tb']],
    ['DEL', ['a\x7f']],
    ['two headers', ['a', 'b']],
    ['two headers that agree', ['a', 'a']],
  ])('is not %s', (_, values) => {
    expect(() => parseIdempotencyKey(values)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        details: {
          errors: [expect.objectContaining({ field: 'Idempotency-Key', code: 'invalid_idempotency_key' })],
        },
      }),
    );
  });
});
