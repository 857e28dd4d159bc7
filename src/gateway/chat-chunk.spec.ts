import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChunkReader } from './chat-chunk.js';
import type { ToolCallDelta } from './gateway.types.js';

const OWN_ID: unknown = expect.stringMatching(/^[A-Za-z0-9]{9}$/);

function choice(delta: object, rest: object = {}): { choices: object[] } {
  return { choices: [{ index: 0, delta, finish_reason: null, ...rest }] };
}

function deltaOf(delta: object): unknown {
  return new ChunkReader().read(choice(delta)).chunk?.choices[0]?.delta;
}

/** What a client is given of the pieces of calls of tools, in order. */
function toolCallsOf(...frames: readonly (readonly object[])[]): ToolCallDelta[] {
  const reader = new ChunkReader();
  return frames.flatMap(
    (pieces) => reader.read(choice({ tool_calls: pieces })).chunk?.choices[0]?.delta.tool_calls ?? [],
  );
}

describe('a frame of a stream', () => {
  it('has role, content, refusal and thoughts, under either name of them', () => {
    expect(deltaOf({ role: 'model', content: 'x', refusal: 'no', reasoning_content: 'hm' })).toEqual({
      role: 'assistant',
      content: 'x',
      refusal: 'no',
      reasoning_content: 'hm',
    });
    expect(deltaOf({ content: '', reasoning: 'hm' })).toEqual({ content: '', reasoning_content: 'hm' });
  });

  it('passes nothing on that is not named, whatever a provider adds', () => {
    const frame = {
      id: 'gen-provider',
      model: 'provider/model',
      provider: 'Provider',
      system_fingerprint: 'fp_1',
      ...choice(
        {
          content: 'x',
          function_call: { name: 'old' },
          annotations: [],
          audio: {},
          thinking_blocks: [],
          provider_specific_fields: {},
        },
        { native_finish_reason: 'end_turn', content_filter_results: {} },
      ),
    };

    expect(new ChunkReader().read(frame).chunk).toEqual({
      choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }],
    });
  });

  it.each([
    {},
    { choices: [] },
    { choices: null },
    { choices: ['x', null] },
    choice({}),
    choice({ content: null, tool_calls: [] }),
    choice({ function_call: { name: 'old' } }),
    choice({ content: 7 }),
  ])('that is %j says nothing', (frame) => {
    expect(new ChunkReader().read(frame).chunk).toBeNull();
  });

  it('ends its answer by one of the words of OpenAI, whatever the word of the upstream', () => {
    const reader = new ChunkReader();

    expect(reader.read(choice({}, { finish_reason: 'length' })).chunk?.choices[0]?.finish_reason).toBe(
      'length',
    );
    expect(reader.read(choice({}, { finish_reason: 'end_turn' })).chunk?.choices[0]?.finish_reason).toBe(
      'stop',
    );
  });

  it('of several answers finishes them only together', () => {
    const reader = new ChunkReader();
    reader.read({ choices: [0, 1].map((index) => ({ index, delta: { content: 'x' } })) });
    reader.read({ choices: [{ index: 1, delta: {}, finish_reason: 'end_turn' }] });
    expect(reader.isFinished).toBe(false);
    reader.read({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    expect(reader.isFinished).toBe(true);
  });

  it('adds what the model wrote to the count of characters', () => {
    const reader = new ChunkReader();
    reader.read(choice({ role: 'assistant', content: 'four', refusal: 'no', reasoning: 'hmm' }));
    reader.read(choice({ tool_calls: [{ index: 0, id: 'a', function: { name: 'find', arguments: '{}' } }] }));

    // 4 + 2 + 3 of the first, 4 + 2 of the second.
    expect(reader.characterCount).toBe(15);
  });

  it('is never a fault, whatever JSON comes', () => {
    const reader = new ChunkReader();
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.jsonValue(), (deltas, calls) => {
        expect(() => reader.read({ choices: deltas.map((delta) => ({ delta })) })).not.toThrow();
        expect(() => reader.read(choice({ tool_calls: [calls] }))).not.toThrow();
      }),
    );
  });
});

describe('a call of a tool in pieces', () => {
  it('has an id of our own, and id, type and name with its first piece only', () => {
    const pieces = toolCallsOf(
      [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'find', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"q":' } }],
      [{ index: 0, function: { arguments: '1}' } }],
    );

    expect(pieces).toEqual([
      { index: 0, id: OWN_ID, type: 'function', function: { name: 'find', arguments: '' } },
      { index: 0, function: { arguments: '{"q":' } },
      { index: 0, function: { arguments: '1}' } },
    ]);
  });

  it('is one call where id and name are repeated with every piece', () => {
    const piece = (args: string) => ({ index: 0, id: 'a', function: { name: 'find', arguments: args } });

    expect(toolCallsOf([piece('{')], [piece('}')])).toEqual([
      { index: 0, id: OWN_ID, type: 'function', function: { name: 'find', arguments: '{' } },
      { index: 0, function: { arguments: '}' } },
    ]);
  });

  it('is told apart from others by its index', () => {
    const pieces = toolCallsOf(
      [{ index: 0, id: 'a', function: { name: 'find' } }],
      [{ index: 1, id: 'b', function: { name: 'stop' } }],
      [{ index: 0, function: { arguments: '0' } }],
      [{ index: 1, function: { arguments: '1' } }],
    );

    expect(pieces.map(({ index, function: { name, arguments: args } }) => [index, name, args])).toEqual([
      [0, 'find', undefined],
      [1, 'stop', undefined],
      [0, undefined, '0'],
      [1, undefined, '1'],
    ]);
    expect(pieces[0]?.id).not.toBe(pieces[1]?.id);
  });

  it.each<[string, object]>([
    ['no index', {}],
    ['the same index', { index: 0 }],
  ])('is another one where whole calls have %s', (_, index) => {
    const pieces = toolCallsOf([
      { ...index, id: 'a', function: { name: 'find', arguments: '{}' } },
      { ...index, id: 'b', function: { name: 'find', arguments: '{}' } },
    ]);

    expect(pieces.map((piece) => piece.index)).toEqual([0, 1]);
    expect(pieces.map((piece) => piece.function.name)).toEqual(['find', 'find']);
  });
});
