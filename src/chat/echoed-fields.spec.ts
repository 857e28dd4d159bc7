import { describe, expect, it } from '@jest/globals';
import { withoutEchoes } from './echoed-fields.js';
import { findMessagesProblem } from './messages.validator.js';

const called = { name: 'get_weather', arguments: '{"city":"Rome"}' };
const question = { role: 'user', content: 'Is it warm in Rome?' };

describe('what clients add to an answer that they send back', () => {
  it('is the meaning of its text, which is taken and not passed on', () => {
    const message = { role: 'assistant', content: '{"name":"Rome"}', parsed: { name: 'Rome' } };
    expect(findMessagesProblem([question, message])).toBeNull();
    expect(withoutEchoes(message)).toEqual({ role: 'assistant', content: '{"name":"Rome"}' });
  });

  it('is the meaning of the arguments of a call', () => {
    const plain = { id: 'call_2', type: 'function', function: called };
    const message = {
      role: 'assistant',
      content: null,
      parsed: null,
      tool_calls: [
        {
          id: 'call_1',
          type: 'function',
          function: { ...called, parsed_arguments: { city: 'Rome' } },
        },
        plain,
      ],
    };
    expect(findMessagesProblem([question, message])).toBeNull();
    expect(withoutEchoes(message)).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: called }, plain],
    });
  });

  it('is the index of a call that was put together from a stream', () => {
    const call = { id: 'call_1', type: 'function', function: called };
    const message = { role: 'assistant', content: null, tool_calls: [{ ...call, index: 0 }] };
    expect(findMessagesProblem([question, message])).toBeNull();
    expect(withoutEchoes(message)).toEqual({ role: 'assistant', content: null, tool_calls: [call] });
  });

  it('leaves the very message that has nothing of the kind', () => {
    const message = {
      role: 'assistant',
      content: 'Yes.',
      tool_calls: [{ id: 'call_1', type: 'function', function: called }],
    };
    expect(withoutEchoes(message)).toBe(message);
  });

  it('is refused where no answer is', () => {
    expect(findMessagesProblem([{ ...question, parsed: { city: 'Rome' } }])).toBe(
      'messages.0.parsed is not a field of a message of the role user',
    );
  });
});
