import { describe, expect, it } from '@jest/globals';
import { countEmbeddingTokens, countRequestCharacters } from './request-characters.js';

describe('the length of a request', () => {
  it('is that of all that is read as text, tools included', () => {
    const toolCalls = [{ id: 'a' }];
    const tools = [{ type: 'function' }];
    const request = {
      messages: [
        { role: 'system', content: 'four' },
        { role: 'user', content: [{ type: 'text', text: 'seven!!' }] },
        { role: 'assistant', content: null, tool_calls: toolCalls, reasoning_content: 'hm' },
      ],
      parameters: { tools },
    };

    // 4 + 7 + 2, [{"id":"a"}] of 12 and [{"type":"function"}] of 21.
    expect(countRequestCharacters(request)).toBe(46);
  });

  it('is not that of the data of images and sounds', () => {
    const url = `data:image/png;base64,${'A'.repeat(10_000)}`;
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'input_audio', input_audio: { data: 'A'.repeat(10_000), format: 'wav' } },
    ];

    expect(countRequestCharacters({ messages: [{ role: 'user', content }], parameters: {} })).toBe(0);
  });

  it.each<[string | string[] | number[] | number[][], number]>([
    ['y'.repeat(8), 2],
    [['yyyy', 'yyyyy'], 3],
    [[1, 2, 3], 3],
    [[[1, 2], [3]], 3],
  ])('of embeddings of %j is %d tokens', (input, tokens) => {
    expect(countEmbeddingTokens({ input, parameters: {} })).toBe(tokens);
  });
});
