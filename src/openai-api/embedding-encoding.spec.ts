import { describe, expect, it } from '@jest/globals';
import { encodeEmbedding } from './embedding-encoding.js';

// 1.0 is 0x3f800000 and -2.0 is 0xc0000000 (IEEE 754), little-endian 00 00 80 3f 00 00 00 c0.
const NUMBERS = [1, -2];
const BASE64 = 'AACAPwAAAMA=';

describe('a vector', () => {
  it.each([
    ['numbers asked and given', NUMBERS, 'float', NUMBERS],
    ['numbers asked and base64 given', BASE64, 'float', NUMBERS],
    ['base64 asked and numbers given', NUMBERS, 'base64', BASE64],
    ['base64 asked and given', BASE64, 'base64', BASE64],
  ] as const)('goes out as it was asked for: %s', (_, given, format, expected) => {
    expect(encodeEmbedding(given, format)).toEqual(expected);
  });

  it('of broken base64 loses what is no whole number', () => {
    expect(encodeEmbedding('AACAPwA=', 'float')).toEqual([1]);
  });
});
