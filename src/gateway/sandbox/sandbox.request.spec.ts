import { describe, expect, it } from '@jest/globals';
import { SandboxRefusal } from './sandbox.errors.js';
import { readChatRequest } from './sandbox.request.js';

const VALID = { model: 'any-model', messages: [{ role: 'user', content: 'Hello' }] };

function refusalOf(body: unknown): { status: number; type: string | null; param: string | null } | null {
  try {
    readChatRequest(body);
    return null;
  } catch (error) {
    if (!(error instanceof SandboxRefusal)) throw error;
    const { type, param } = error.answer.body.error;
    return { status: error.answer.status, type, param };
  }
}

describe('a chat completion request', () => {
  it.each([
    ['null', null, null],
    ['an array', [VALID], null],
    ['a text', 'Hello', null],
    ['no model', { ...VALID, model: undefined }, 'model'],
    ['a number for a model', { ...VALID, model: 4 }, 'model'],
    ['an empty model', { ...VALID, model: '' }, 'model'],
    ['a very long model', { ...VALID, model: 'm'.repeat(257) }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['empty messages', { ...VALID, messages: [] }, 'messages'],
    ['messages that are none', { ...VALID, messages: 'Hello' }, 'messages'],
    ['a message that is no object', { ...VALID, messages: ['Hello'] }, 'messages[0]'],
    ['a role that nobody has', { ...VALID, messages: [{ role: 'x', content: '' }] }, 'messages[0].role'],
    ['a user without content', { ...VALID, messages: [{ role: 'user' }] }, 'messages[0].content'],
    [
      'a number for a name',
      { ...VALID, messages: [{ role: 'user', name: 1, content: '' }] },
      'messages[0].name',
    ],
    [
      'a picture',
      { ...VALID, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: '' } }] }] },
      'messages[0].content[0]',
    ],
    ['streaming', { ...VALID, stream: true }, 'stream'],
    ['two choices', { ...VALID, n: 2 }, 'n'],
    ['a limit of 0', { ...VALID, max_tokens: 0 }, 'max_tokens'],
    ['half a token', { ...VALID, max_completion_tokens: 1.5 }, 'max_completion_tokens'],
    ['a limit as text', { ...VALID, max_tokens: '5' }, 'max_tokens'],
    ['an empty stop', { ...VALID, stop: '' }, 'stop'],
    ['five stops', { ...VALID, stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    ['a number for a stop', { ...VALID, stop: [1] }, 'stop'],
  ])('is refused with %s', (_, body, param) => {
    expect(refusalOf(body)).toEqual({ status: 400, type: 'invalid_request_error', param });
  });

  it('says that streaming is not supported yet', () => {
    expect(() => readChatRequest({ ...VALID, stream: true })).toThrow('not supported by the sandbox yet');
  });

  it('may leave everything else out, or null', () => {
    const nothing = { stream: false, n: 1, max_tokens: null, max_completion_tokens: null, stop: null };

    expect(readChatRequest({ ...VALID, ...nothing })).toEqual(readChatRequest(VALID));
  });

  it('may hold an assistant that only called tools', () => {
    const messages = [...VALID.messages, { role: 'assistant', content: null, tool_calls: [] }];
    expect(readChatRequest({ ...VALID, messages }).messages[1]?.texts).toEqual([]);
  });
});
