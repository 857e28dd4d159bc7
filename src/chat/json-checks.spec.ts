import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isBase64, isTextWithin, isWellFormed, quote } from './json-checks.js';

describe('base64', () => {
  it('is what Node writes, of any bytes and from any place on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.string(), (bytes, before) => {
        const text = Buffer.from(bytes).toString('base64');
        expect([isBase64(text), isBase64(before + text, before.length)]).toEqual([true, true]);
      }),
    );
  });

  it.each(['', 'A', 'AA', 'AAA', 'AA==AAAA', '====', 'A===', 'AAA=\n', 'AA A', 'AAAA\ud800AA=', 'AA=A'])(
    'is not %j',
    (text) => {
      expect(isBase64(text)).toBe(false);
    },
  );
});

describe('text', () => {
  it('is counted in characters, not in halves of surrogate pairs', () => {
    expect(isTextWithin('😀😀', 2)).toBe(true);
    expect(isTextWithin('😀😀', 1)).toBe(false);
    expect(isTextWithin('', 1)).toBe(false);
    expect(isTextWithin('\ud83d', 1)).toBe(false);
  });

  it('in an error message is cut short', () => {
    expect(quote('a"b')).toBe('"a\\"b"');
    expect(quote('a'.repeat(65))).toBe(`"${'a'.repeat(64)}…"`);
  });
});

it.each<[unknown, boolean]>([
  [{ a: [{ b: 'fine' }, null, 7] }, true],
  [{ a: [{ b: '\ud800' }] }, false],
  [{ '\udc00': 1 }, false],
])('%j is all sound Unicode: %s', (value, expected) => {
  expect(isWellFormed(value)).toBe(expected);
});
