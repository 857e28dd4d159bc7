import { describe, expect, it } from '@jest/globals';
import { parseEmbeddings } from './embedding.js';

function parse(embedding: unknown) {
  return parseEmbeddings(JSON.stringify({ data: [{ index: 0, embedding }] }))?.answer.data;
}

describe('an embedding', () => {
  it.each([[[0.5, -1]], ['AACAPw==']])('may be %j', (embedding) => {
    expect(parse(embedding)).toEqual([{ index: 0, embedding }]);
  });

  it.each([
    ['nothing', ''],
    ['no numbers', []],
    ['a text among numbers', [1, 'x']],
    ['a word of the upstream', 'model-a-of-provider'],
    ['base64 that is no whole number of floats', 'AACA'],
    ['base64 with something behind it', 'AACAPw== model-a'],
    ['null', null],
  ])('is not %s', (_what, embedding) => {
    expect(parse(embedding)).toBeUndefined();
  });
});
