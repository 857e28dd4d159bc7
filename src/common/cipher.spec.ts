import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Cipher } from './cipher.js';

const SECRET = 'one secret of at least 32 characters';
const PLACE = ['team-a', 'row-1'];
const PLAIN = Buffer.from('A prompt, and what became of it: Grüße \u{1f600}');
const cipher = new Cipher(SECRET, 'tests');

describe('an encrypted text', () => {
  it('is the same text when it is decrypted in its place, whatever both are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.string({ unit: 'grapheme' })), (bytes, place) => {
        const plain = Buffer.from(bytes);
        expect(cipher.decrypt(cipher.encrypt(plain, place), place)).toEqual(plain);
      }),
    );
  });

  it('shows nothing of the text, and is another one each time', () => {
    const [first, second] = [cipher.encrypt(PLAIN, PLACE), cipher.encrypt(PLAIN, PLACE)];
    for (const part of ['prompt', 'Grüße', ...PLACE]) expect(first.includes(part)).toBe(false);
    expect(first.subarray(1).equals(second.subarray(1))).toBe(false);
    // Version, salt, nonce and tag: 1 + 16 + 12 + 16 bytes.
    expect(first).toHaveLength(45 + PLAIN.length);
  });

  it.each<[string, Cipher, string[]]>([
    ['another secret', new Cipher('another secret of at least 32 characters', 'tests'), PLACE],
    ['another purpose', new Cipher(SECRET, 'other tests'), PLACE],
    ['another row', cipher, ['team-a', 'row-2']],
    ['another team', cipher, ['team-b', 'row-1']],
    ['a place that is spelt alike', cipher, ['team-arow-1']],
    ['a place with more to it', cipher, [...PLACE, '']],
    ['no place', cipher, []],
  ])('cannot be read with %s', (_, other, place) => {
    expect(other.decrypt(cipher.encrypt(PLAIN, PLACE), place)).toBeNull();
  });

  it('cannot be read when any bit of it has changed, or when some of it is missing', () => {
    const bytes = cipher.encrypt(Buffer.from('x'), PLACE);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(cipher.decrypt(changed, PLACE)).toBeNull();
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(cipher.decrypt(bytes.subarray(0, length), PLACE)).toBeNull();
    }
  });
});
