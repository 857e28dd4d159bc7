import { describe, expect, it } from '@jest/globals';
import type { ChunkChoice } from '../gateway/gateway.types.js';
import { AnswerAssembler } from './answer-assembler.js';

function assemble(...pieces: (Partial<ChunkChoice> & Pick<ChunkChoice, 'delta'>)[]) {
  const assembler = new AnswerAssembler();
  for (const piece of pieces) {
    assembler.add([{ choices: [{ index: 0, finish_reason: null, ...piece }] }]);
  }
  return assembler.answer;
}

describe('the pieces of a stream', () => {
  it('that are none give no answer', () => {
    expect(assemble()).toBeNull();
  });

  it('of text are put together in order', () => {
    expect(
      assemble(
        { delta: { role: 'assistant', content: '' } },
        { delta: { content: 'Hel' } },
        { delta: { content: 'lo' } },
        { delta: {}, finish_reason: 'stop' },
      ),
    ).toEqual({
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
    });
  });

  it('without any text have none, as beside tool calls', () => {
    expect(
      assemble(
        {
          delta: {
            tool_calls: [{ index: 0, id: 'a1', type: 'function', function: { name: 'add', arguments: '' } }],
          },
        },
        { delta: { tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] } },
        { delta: { tool_calls: [{ index: 1, id: 'b2', type: 'function', function: { name: 'mul' } }] } },
        { delta: { tool_calls: [{ index: 0, function: { arguments: '1}' } }] } },
        { delta: {}, finish_reason: 'tool_calls' },
      )?.choices[0],
    ).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'a1', type: 'function', function: { name: 'add', arguments: '{"x":1}' } },
          { id: 'b2', type: 'function', function: { name: 'mul', arguments: '' } },
        ],
      },
      finish_reason: 'tool_calls',
    });
  });

  it('of several answers are kept apart, in the order of their index', () => {
    const answer = assemble(
      { index: 1, delta: { content: 'second' } },
      { index: 0, delta: { content: 'first' } },
      { index: 1, delta: { content: '!' }, finish_reason: 'length' },
    );
    expect(
      answer?.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason]),
    ).toEqual([
      [0, 'first', null],
      [1, 'second!', 'length'],
    ]);
  });

  it('of refusals and of thoughts are kept apart from the text', () => {
    expect(
      assemble(
        { delta: { reasoning_content: 'Hm' } },
        { delta: { reasoning_content: '.' } },
        { delta: { refusal: 'No' } },
      )?.choices[0]?.message,
    ).toEqual({ role: 'assistant', content: null, reasoning_content: 'Hm.', refusal: 'No' });
  });
});
