import { describe, expect, it } from '@jest/globals';
import { withoutQuotes } from './quotes.js';

const PROMPT = 'The patient John Doe complains of headaches since Monday.';
const REQUEST = { messages: [{ role: 'user', content: PROMPT }] };

describe('the words of an upstream', () => {
  it('stay as they are where they quote nothing', () => {
    const text = 'litellm.BadRequestError: the model does not take 5 choices.';
    expect(withoutQuotes(text, REQUEST)).toBe(text);
  });

  it('lose a prompt that they repeat, and keep the rest', () => {
    expect(withoutQuotes(`Refused by the filter: "${PROMPT}" (code 7)`, REQUEST)).toBe(
      'Refused by the filter: "[…]" (code 7)',
    );
  });

  it('lose the beginning of one that they cut short', () => {
    expect(withoutQuotes(`Refused: ${PROMPT.slice(0, 30)}…`, REQUEST)).toBe('Refused: […]…');
  });

  it('lose what stands in a part, in the arguments of a tool call and in texts to be embedded', () => {
    const argument = '{"diagnosis":"a rare one"}';
    const request = {
      messages: [
        { role: 'user', content: [{ type: 'text', text: PROMPT }] },
        { role: 'assistant', tool_calls: [{ function: { name: 'note', arguments: argument } }] },
      ],
    };
    expect(withoutQuotes(`1 ${PROMPT} 2 ${argument} 3`, request)).toBe('1 […] 2 […] 3');
    expect(withoutQuotes(`Too long: ${PROMPT}`, { input: ['short', PROMPT] })).toBe('Too long: […]');
  });

  it('lose it twice if they say it twice', () => {
    expect(withoutQuotes(`${PROMPT} and ${PROMPT}`, REQUEST)).toBe('[…] and […]');
  });

  it('keep short pieces, which are in every text', () => {
    expect(withoutQuotes('The patient is the user.', REQUEST)).toBe('The patient is the user.');
  });

  it('lose the beginning and the end of a prompt that is too long to be looked through', () => {
    const start = 'It begins with these very words. ';
    const end = ' And it ends with those other words.';
    const request = { messages: [{ content: `${start}${'x y '.repeat(200_000)}${end}` }] };
    expect(withoutQuotes(`a${start}b${end}c`, request)).toBe('a[…]b[…]c');
  });
});
