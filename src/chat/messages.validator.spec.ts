import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findMessagesProblem } from './messages.validator.js';

const user = (content: unknown, more: object = {}): object => ({ role: 'user', content, ...more });
const part = { type: 'text', text: 'Hi' };

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
    [
      'without a role',
      { content: 'Hi' },
      'messages.1.role must be one of system, developer, user, assistant',
    ],
    [
      'of a tool',
      { role: 'tool', content: 'Hi' },
      'messages.1.role must be one of system, developer, user, assistant',
    ],
    [
      'of a role in capitals',
      { role: 'User', content: 'Hi' },
      'messages.1.role must be one of system, developer, user, assistant',
    ],
    [
      'of a role that every object has',
      { role: 'toString', content: 'Hi' },
      'messages.1.role must be one of system, developer, user, assistant',
    ],
    ['with tool calls', user('Hi', { tool_calls: [] }), 'messages.1.tool_calls is not a field of a message'],
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
    ['without content', { role: 'user' }, 'messages.1.content must be text or an array of text parts'],
    ['with null for content', user(null), 'messages.1.content must be text or an array of text parts'],
    ['with a number for content', user(7), 'messages.1.content must be text or an array of text parts'],
    ['with an object for content', user(part), 'messages.1.content must be text or an array of text parts'],
    ['with no part', user([]), 'messages.1.content must be text or an array of text parts'],
    ['with a text for a part', user(['Hi']), 'messages.1.content.0 must be {"type": "text", "text": "…"}'],
    [
      'with null for a part',
      user([part, null]),
      'messages.1.content.1 must be {"type": "text", "text": "…"}',
    ],
    [
      'with an image',
      user([part, part, { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]),
      'messages.1.content.2 must be {"type": "text", "text": "…"}',
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
