import { describe, expect, it } from '@jest/globals';
import { compileAnswerSchema } from '../chat/json-schema.js';
import type { ChatAnswer, ChatChoice } from '../gateway/gateway.types.js';
import { checkAnswer } from './answer-schema.js';

const CITY = compileAnswerSchema({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
});

function answer(...contents: (string | null)[]): ChatAnswer {
  return { choices: contents.map(choice) };
}

function choice(content: string | null, index: number): ChatChoice {
  return { index, message: { role: 'assistant', content }, finish_reason: 'stop' };
}

const CALLING: ChatChoice = {
  index: 0,
  message: {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a1', type: 'function', function: { name: 'add', arguments: '{}' } }],
  },
  finish_reason: 'tool_calls',
};

describe('an answer', () => {
  it('of a request without a schema has no outcome', () => {
    expect(checkAnswer(null, answer('{"city":"Paris"}'))).toEqual({ outcome: null, miss: null });
  });

  it('that did not come has none either', () => {
    expect(checkAnswer(CITY, null)).toEqual({ outcome: null, miss: null });
  });

  it('that matches is given as a value, too', () => {
    expect(checkAnswer(CITY, answer('{"city":"Paris"}'))).toEqual({
      outcome: 'matched',
      miss: null,
      parsed: { city: 'Paris' },
    });
  });

  it.each([['{"town":"Paris"}'], ['{"city":1}'], ['Paris'], ['{"city":"Par'], [''], [null]])(
    'of %j has missed its schema, and says where',
    (content) => {
      const result = checkAnswer(CITY, answer(content));
      expect(result).toEqual({ outcome: 'missed', miss: expect.stringMatching(/./) });
    },
  );

  it('of several texts has missed it with one that does', () => {
    expect(checkAnswer(CITY, answer('{"city":"Paris"}', '{}')).outcome).toBe('missed');
    expect(checkAnswer(CITY, answer('{"city":"Paris"}', '{"city":"Rome"}'))).toMatchObject({
      outcome: 'matched',
      parsed: { city: 'Paris' },
    });
  });

  it('that calls tools instead is not held against it', () => {
    expect(checkAnswer(CITY, { choices: [CALLING] })).toEqual({ outcome: null, miss: null });
    const second = { ...choice('{"city":"Rome"}', 1) };
    expect(checkAnswer(CITY, { choices: [CALLING, second] })).toEqual({ outcome: 'matched', miss: null });
  });
});
