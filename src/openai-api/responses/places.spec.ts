import { describe, expect, it } from '@jest/globals';
import { type DomainError, invalidField, validationFailed } from '../../common/domain-error.js';
import { retell } from './places.js';

const PLACES = new Map([
  ['messages.0', 'instructions'],
  ['messages.1', 'input.0'],
  ['messages.1.tool_calls.0', 'input.2'],
]);

function told(field: string, message: string): unknown {
  const { details } = retell(invalidField(field, 'x', message), PLACES) as DomainError;
  return details['errors'];
}

describe('an error about the translated request', () => {
  it.each([
    ['messages.1.content.0.image_url.url', 'input.0.content.0.image_url'],
    ['messages.1.tool_calls.0.function.name', 'input.2.name'],
    ['messages.0.content', 'instructions.content'],
    ['messages', 'input'],
    ['max_completion_tokens', 'max_output_tokens'],
    ['reasoning_effort', 'reasoning.effort'],
    ['response_format.json_schema.schema', 'text.format.schema'],
    ['tools.0.function.parameters', 'tools.0.parameters'],
    ['temperature', 'temperature'],
  ])('about %s is told of %s', (field, own) => {
    expect(told(field, 'is wrong')).toEqual([{ field: own, code: 'x', message: `${own} is wrong` }]);
  });

  it('names the own place also inside its text', () => {
    expect(told('messages', 'is wrong: messages.1.content must be text')).toEqual([
      { field: 'input', code: 'x', message: 'input is wrong: input.0.content must be text' },
    ]);
  });

  it('is about the place that its text begins with, where its field is all messages', () => {
    const error = validationFailed([
      { field: 'messages', code: 'x', message: 'messages.1.content must be text' },
    ]);
    expect((retell(error, PLACES) as DomainError).details['errors']).toEqual([
      { field: 'input.0.content', code: 'x', message: 'input.0.content must be text' },
    ]);
  });

  it('is left alone if it is about no field', () => {
    const error = new Error('x');
    expect(retell(error, PLACES)).toBe(error);
  });
});
