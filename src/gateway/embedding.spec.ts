import { describe, expect, it } from '@jest/globals';
import { parseEmbeddings } from './embedding.js';

function listOf(item: string): string {
  return `{"data": [${item}]}`;
}

describe('embeddings', () => {
  it('keep their place, or get that of the list where they have none', () => {
    const list = parseEmbeddings(
      '{"data": [{"index": 1, "embedding": [0.5]}, {"index": -5, "embedding": [1]}, {"embedding": [2]}]}',
    );
    expect(list?.answer.data).toEqual([
      { index: 1, embedding: [0.5] },
      { index: 1, embedding: [1] },
      { index: 2, embedding: [2] },
    ]);
  });

  it('may be base64 of 32-bit numbers', () => {
    // 0.5 as a float, little-endian: 00 00 00 3f.
    expect(parseEmbeddings(listOf('{"embedding": "AAAAPw=="}'))?.answer.data).toEqual([
      { index: 0, embedding: 'AAAAPw==' },
    ]);
  });

  it.each([
    ['a number beyond JSON', '[0.5, 1e400]'],
    ['base64 of three bytes', '"AAAA"'],
    ['text that is no base64', '"!!"'],
    ['a word of the upstream', '"model-a-of-provider"'],
    ['base64 with something behind it', '"AACAPw== model-a"'],
    ['no text', '""'],
    ['no numbers', '[]'],
    ['texts', '["0.5"]'],
  ])('with %s are no answer', (_, embedding) => {
    expect(parseEmbeddings(listOf(`{"embedding": ${embedding}}`))).toBeNull();
  });
});
