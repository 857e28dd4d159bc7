import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generateKey, hashKey, isWellFormedKey } from './key-format.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** CRC-32 bit by bit, from its definition (reversed polynomial EDB88320), not from a library. */
function crc32(text: string): number {
  let register = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      register = register & 1 ? (register >>> 1) ^ 0xedb88320 : register >>> 1;
    }
  }
  return (register ^ 0xffffffff) >>> 0;
}

/** By repeated subtraction of powers, from the most significant digit: the other way round than the code. */
function sixDigits(value: number): string {
  let digits = '';
  let rest = value;
  for (let power = 5; power >= 0; power -= 1) {
    const weight = 62 ** power;
    let digit = 0;
    while (rest >= weight) {
      rest -= weight;
      digit += 1;
    }
    digits += BASE62.charAt(digit);
  }
  return digits;
}

const secret = fc
  .array(fc.integer({ min: 0, max: 61 }), { minLength: 43, maxLength: 43 })
  .map((digits) => digits.map((digit) => BASE62.charAt(digit)).join(''));

describe('the reference that the checksum is held against', () => {
  it('gives the check value that CRC-32 is published with', () => {
    expect(crc32('123456789')).toBe(0xcbf43926);
  });

  it('writes numbers in base62', () => {
    // In the alphabet digits come first, then capitals: "j" is 45, "Z" is 35, "R" 27, "M" 22, "E" 14.
    expect(3 * 62 ** 5 + 45 * 62 ** 4 + 35 * 62 ** 3 + 27 * 62 ** 2 + 22 * 62 + 14).toBe(0xcbf43926);
    expect(sixDigits(0xcbf43926)).toBe('3jZRME');
    expect(sixDigits(61)).toBe('00000z');
    expect(sixDigits(62)).toBe('000010');
  });
});

describe('a virtual key', () => {
  it('is sk- and 49 characters of base62', () => {
    for (let count = 0; count < 100; count += 1) {
      expect(generateKey()).toMatch(/^sk-[0-9A-Za-z]{49}$/);
    }
  });

  it('is not made twice', () => {
    expect(new Set(Array.from({ length: 1_000 }, generateKey)).size).toBe(1_000);
  });

  it('uses the whole alphabet at every place of its secret', () => {
    // Of 3,000 draws a character is missing with a chance of (61/62)^3000 < 1e-21.
    const keys = Array.from({ length: 3_000 }, generateKey);
    for (const place of [3, 24, 45]) {
      expect(new Set(keys.map((key) => key.charAt(place))).size).toBe(62);
    }
  });

  it('is well formed as it was made', () => {
    for (let count = 0; count < 100; count += 1) expect(isWellFormedKey(generateKey())).toBe(true);
  });

  // Checksums by Python: zlib.crc32(secret), written in base62 by divmod.
  it.each([
    ['0'.repeat(43), '2CZclj'],
    ['z'.repeat(43), '0UsatS'],
    ['0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg', '37cCQ0'],
  ])('of the secret %s ends in %s', (given, checksum) => {
    expect(isWellFormedKey(`sk-${given}${checksum}`)).toBe(true);
  });

  it('ends in the CRC-32 of its secret, in base62 with the most significant digit first', () => {
    fc.assert(
      fc.property(secret, (given) => {
        expect(isWellFormedKey(`sk-${given}${sixDigits(crc32(given))}`)).toBe(true);
      }),
    );
    const made = generateKey().slice(3);
    expect(made.slice(43)).toBe(sixDigits(crc32(made.slice(0, 43))));
  });

  it('is refused with any one character changed, wherever and to whatever', () => {
    const key = `sk-${'0'.repeat(43)}2CZclj`;
    for (let place = 3; place < key.length; place += 1) {
      for (const other of BASE62) {
        const changed = key.slice(0, place) + other + key.slice(place + 1);
        expect([place, other, isWellFormedKey(changed)]).toEqual([place, other, changed === key]);
      }
    }
  });

  it('is refused with two neighbours swapped', () => {
    const key = 'sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg37cCQ0';
    for (let place = 3; place < key.length - 1; place += 1) {
      const swapped = key.slice(0, place) + key.charAt(place + 1) + key.charAt(place) + key.slice(place + 2);
      expect([place, isWellFormedKey(swapped)]).toEqual([place, false]);
    }
  });

  it.each([
    '',
    'sk-',
    'sk-admin-key-change-me',
    `sk-${'0'.repeat(43)}2CZclj `,
    ` sk-${'0'.repeat(43)}2CZclj`,
    `sk-${'0'.repeat(43)}2CZclj\n`,
    `SK-${'0'.repeat(43)}2CZclj`,
    `pk-${'0'.repeat(43)}2CZclj`,
    `${'0'.repeat(43)}2CZclj`,
    `sk-${'0'.repeat(44)}2CZclj`,
    `sk-${'0'.repeat(42)}2CZclj`,
    `sk-${'0'.repeat(42)}_2CZclj`,
    `sk-${'0'.repeat(42)}é2CZclj`,
  ])('is not %j', (text) => {
    expect(isWellFormedKey(text)).toBe(false);
  });

  it('is never made up by chance of text that is not one of ours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(isWellFormedKey(text)).toBe(false);
      }),
    );
  });

  it('is stored as its SHA-256', () => {
    // The test vector "abc" of FIPS 180-2, appendix B.1.
    expect(hashKey('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(hashKey(generateKey())).toHaveLength(32);
  });
});
