import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findMessagesProblem } from './messages.validator.js';

const user = (content: unknown, more: object = {}): object => ({ role: 'user', content, ...more });
const part = { type: 'text', text: 'Hi' };
const TOOL_CALL = { id: 'call_1', type: 'function', function: { name: 'measure', arguments: '{}' } };
const ASKING = { role: 'assistant', content: null, tool_calls: [TOOL_CALL] };
const answering = (id: unknown, more: object = {}): object => ({
  role: 'tool',
  tool_call_id: id,
  content: '17',
  ...more,
});
const ROLE_PROBLEM = 'messages.1.role must be one of system, developer, user, assistant, tool';
const USER_CONTENT_PROBLEM =
  'messages.1.content must be text or an array of parts (text, image_url, input_audio)';

describe('messages', () => {
  it.each([
    [[user('Hi')]],
    [[user('')]],
    [[{ role: 'system', content: 's' }, user('u'), { role: 'assistant', content: 'a' }, user('u')]],
    [[{ role: 'developer', content: 'd' }]],
    [[user([part])]],
    [[user([part, { type: 'text', text: '' }])]],
    [[user('Hi', { name: 'john' })]],
    [[user('Hi', { name: null })]],
    [[user('Hi', { name: 'n'.repeat(256) })]],
    [[user('Hi', { audio: null, tool_calls: null })]],
    [[{ role: 'assistant', content: 'a', refusal: null, function_call: null, audio: null }]],
    [[{ role: 'assistant', content: 'a', reasoning_content: 'because' }]],
    [[{ role: 'assistant', content: null, refusal: 'No.' }]],
    [[{ role: 'assistant', tool_calls: [TOOL_CALL] }]],
    [[ASKING, answering('call_1')]],
    [[ASKING, answering('call_1', { content: [part] })]],
    [[ASKING, answering('call_1'), user('and?'), answering('call_1')]],
  ])('%j are usable', (messages) => {
    expect(findMessagesProblem(messages)).toBeNull();
  });

  it.each([undefined, null, 'Hi', 7, {}, user('Hi'), { 0: user('Hi'), length: 1 }, []])(
    'that are %j are no array of messages',
    (value) => {
      expect(findMessagesProblem(value)).toBe('messages must be an array with at least one message');
    },
  );

  it.each<[string, unknown, string]>([
    ['a text', 'Hi', 'messages.1 must be an object with role and content'],
    ['null', null, 'messages.1 must be an object with role and content'],
    ['an array', [user('Hi')], 'messages.1 must be an object with role and content'],
    ['without a role', { content: 'Hi' }, ROLE_PROBLEM],
    ['of a function', { role: 'function', content: 'Hi' }, ROLE_PROBLEM],
    ['of a role in capitals', { role: 'User', content: 'Hi' }, ROLE_PROBLEM],
    ['of a role that every object has', { role: 'toString', content: 'Hi' }, ROLE_PROBLEM],
    ['with an unknown field', user('Hi', { mood: null }), 'messages.1.mood is not a field of a message'],
    [
      'of a user with tool calls',
      user('Hi', { tool_calls: [] }),
      'messages.1.tool_calls is not a field of a message of the role user',
    ],
    [
      'with a sound that is kept elsewhere',
      { role: 'assistant', audio: { id: 'audio_1' } },
      'messages.1.audio is refused: it refers to a sound that is kept at a provider',
    ],
    [
      'of an assistant with nothing to say',
      { role: 'assistant', content: null },
      'messages.1.content must be text or an array of parts (text, refusal)',
    ],
    [
      'of an assistant without content, nor a tool call among its tool calls',
      { role: 'assistant', tool_calls: [] },
      'messages.1.tool_calls must be an array of 1 to 128 tool calls',
    ],
    ['with a refusal of a number', { role: 'assistant', refusal: 7 }, 'messages.1.refusal must be text'],
    [
      'with reasoning of broken Unicode',
      { role: 'assistant', content: 'a', reasoning_content: 'a\ud800' },
      'messages.1.reasoning_content must be text',
    ],
    [
      'the answer of a tool without its id',
      answering(undefined),
      'messages.1.tool_call_id must be text of 1 to 65536 characters',
    ],
    [
      'the answer of a tool that nobody asked',
      answering('call_2'),
      'messages.1.tool_call_id "call_2" answers no tool call of an assistant message before it',
    ],
    [
      'with a number for a name',
      user('Hi', { name: 7 }),
      'messages.1.name must be text of at most 256 characters',
    ],
    [
      'with a name of 257 characters',
      user('Hi', { name: 'n'.repeat(257) }),
      'messages.1.name must be text of at most 256 characters',
    ],
    ['without content', { role: 'user' }, USER_CONTENT_PROBLEM],
    ['with null for content', user(null), USER_CONTENT_PROBLEM],
    ['with a number for content', user(7), USER_CONTENT_PROBLEM],
    ['with an object for content', user(part), USER_CONTENT_PROBLEM],
    ['with no part', user([]), USER_CONTENT_PROBLEM],
    [
      'with a text for a part',
      user(['Hi']),
      'messages.1.content.0 must be an object such as {"type": "text", "text": "…"}',
    ],
    [
      'with null for a part',
      user([part, null]),
      'messages.1.content.1 must be an object such as {"type": "text", "text": "…"}',
    ],
    [
      'with a part of a number',
      user([{ type: 'text', text: 7 }]),
      'messages.1.content.0 must be {"type": "text", "text": "…"}',
    ],
    [
      'with a part that has more to it',
      user([{ ...part, cache_control: {} }]),
      'messages.1.content.0 must be {"type": "text", "text": "…"}',
    ],
  ])('with one that is %s say where and what', (_, message, expected) => {
    expect(findMessagesProblem([user('fine'), message, user('fine')])).toBe(expected);
  });

  it('cannot have the answer of a tool before the question', () => {
    expect(findMessagesProblem([answering('call_1'), ASKING])).toMatch(/^messages\.0\.tool_call_id /);
  });

  it('may have ids of tool calls that hold signed reasoning', () => {
    const id = `call_1__thought__${'A'.repeat(20_000)}`;
    const asking = { role: 'assistant', tool_calls: [{ ...TOOL_CALL, id }] };
    expect(findMessagesProblem([asking, answering(id)])).toBeNull();
  });

  it('with several mistakes name the first', () => {
    expect(findMessagesProblem([user('Hi'), user(7), 'x'])).toMatch(/^messages\.1\.content /);
  });

  it('are judged without a fault, whatever JSON they are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (messages) => {
        const problem = findMessagesProblem(messages);
        expect(problem === null || problem.startsWith('messages')).toBe(true);
      }),
    );
  });
});
