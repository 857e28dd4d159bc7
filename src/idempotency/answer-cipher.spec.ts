import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AnswerCipher } from './answer-cipher.js';
import type { Answer, KeyedRequest } from './idempotency.types.js';

const REQUEST: KeyedRequest = {
  caller: 'team:a',
  route: 'POST /api/teams/create',
  key: 'k',
  fingerprint: Buffer.alloc(32, 7),
};
const ANSWER: Answer = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{"virtual_key":"sk-secret","text":"Grüße \u{1f600}"}',
};
const cipher = new AnswerCipher('one secret of at least 32 characters');

/** The answer above, encrypted before the cipher was shared: rows outlive an update. */
const WRITTEN_BEFORE =
  'Ab55ZHpKNfRSDhb7hbVSvFrvcDgdG1G1DbND2nA1HNrjrgVPH/dQFoT7qsaLEYQ6k2llQ1P21DlBhAN7Ff9uQUuR1NmDsZBNSZHaCLPKkQ1L' +
  'bXZ8PbcfJbGJY3VrzcSGvCHXvNTMgCl/AgJSzrGfPfTcB8baFisvijIfEAZmlBp1EVik90btmLCWXBdzromJVLdG+5venPRvZeWHj+9m4o1U' +
  'BN/tCGLArv1PbxQ=';

describe('an encrypted answer', () => {
  it('is the same answer when it is decrypted, whatever its text', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
        fc.string({ unit: 'grapheme' }),
        (status, headers, body) => {
          const answer = { status, headers: { ...headers }, body };
          expect(cipher.decrypt(cipher.encrypt(answer, REQUEST), REQUEST)).toEqual(answer);
        },
      ),
    );
  });

  it('shows nothing of the answer, and is another one each time', () => {
    const [first, second] = [cipher.encrypt(ANSWER, REQUEST), cipher.encrypt(ANSWER, REQUEST)];
    for (const part of ['sk-secret', 'virtual_key', 'json', 'Grüße'])
      expect(first.includes(part)).toBe(false);
    // Salt, nonce, tag and text all differ.
    for (const [from, to] of [
      [1, 17],
      [17, 29],
      [29, 45],
      [45, first.length],
    ]) {
      expect(first.subarray(from, to).equals(second.subarray(from, to))).toBe(false);
    }
  });

  it('is read as the versions before have written it', () => {
    expect(cipher.decrypt(Buffer.from(WRITTEN_BEFORE, 'base64'), REQUEST)).toEqual(ANSWER);
  });

  it('cannot be read with another secret', () => {
    const other = new AnswerCipher('another secret of at least 32 characters');
    expect(other.decrypt(cipher.encrypt(ANSWER, REQUEST), REQUEST)).toBeNull();
  });

  it.each<[string, Partial<KeyedRequest>]>([
    ['caller', { caller: 'team:b' }],
    ['route', { route: 'POST /api/jobs/create' }],
    ['key', { key: 'l' }],
    ['fingerprint', { fingerprint: Buffer.alloc(32, 8) }],
  ])('cannot be read for another %s', (_, other) => {
    expect(cipher.decrypt(cipher.encrypt(ANSWER, REQUEST), { ...REQUEST, ...other })).toBeNull();
  });

  it('cannot be read when any bit of it has changed, or when some of it is missing', () => {
    const bytes = cipher.encrypt({ status: 200, headers: {}, body: 'x' }, REQUEST);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(cipher.decrypt(changed, REQUEST)).toBeNull();
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(cipher.decrypt(bytes.subarray(0, length), REQUEST)).toBeNull();
    }
  });
});
