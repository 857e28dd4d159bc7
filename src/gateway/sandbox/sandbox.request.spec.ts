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
    ['a text for stream', { ...VALID, stream: 'true' }, 'stream'],
    ['options of a stream that is none', { ...VALID, stream_options: {} }, 'stream_options'],
    ['options of a stream that are none', { ...VALID, stream: true, stream_options: true }, 'stream_options'],
    [
      'a number for include_usage',
      { ...VALID, stream: true, stream_options: { include_usage: 1 } },
      'stream_options.include_usage',
    ],
    ['no choice', { ...VALID, n: 0 }, 'n'],
    ['nine choices', { ...VALID, n: 9 }, 'n'],
    ['alternatives without log probabilities', { ...VALID, top_logprobs: 2 }, 'top_logprobs'],
    ['21 alternatives', { ...VALID, logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    ['an unknown effort', { ...VALID, reasoning_effort: 'enormous' }, 'reasoning_effort'],
    [
      'a result of a tool without the id of a call',
      { ...VALID, messages: [{ role: 'tool', content: '5' }] },
      'messages[0].tool_call_id',
    ],
    [
      'a call without arguments',
      { ...VALID, messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f' } }] }] },
      'messages[0].tool_calls[0]',
    ],
    [
      'a sound without its format',
      {
        ...VALID,
        messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA' } }] }],
      },
      'messages[0].content[0]',
    ],
    [
      'a picture of the system',
      {
        ...VALID,
        messages: [
          {
            role: 'system',
            content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
          },
        ],
      },
      'messages[0].content[0]',
    ],
    ['tools that are none', { ...VALID, tools: [] }, 'tools'],
    ['a tool of another type', { ...VALID, tools: [{ type: 'custom', custom: { name: 'f' } }] }, 'tools[0]'],
    ['a function without a name', { ...VALID, tools: [{ type: 'function', function: {} }] }, 'tools[0]'],
    ['a choice without tools', { ...VALID, tool_choice: 'auto' }, 'tool_choice'],
    [
      'a choice of another function',
      {
        ...VALID,
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: { type: 'function', function: { name: 'g' } },
      },
      'tool_choice',
    ],
    ['an unknown format', { ...VALID, response_format: { type: 'xml' } }, 'response_format'],
    [
      'a schema without a name',
      { ...VALID, response_format: { type: 'json_schema', json_schema: { schema: {} } } },
      'response_format.json_schema.name',
    ],
    [
      'a format without its schema',
      { ...VALID, response_format: { type: 'json_schema', json_schema: { name: 'f' } } },
      'response_format.json_schema.schema',
    ],
    ['a limit of 0', { ...VALID, max_tokens: 0 }, 'max_tokens'],
    ['half a token', { ...VALID, max_completion_tokens: 1.5 }, 'max_completion_tokens'],
    ['a limit as text', { ...VALID, max_tokens: '5' }, 'max_tokens'],
    ['an empty stop', { ...VALID, stop: '' }, 'stop'],
    ['five stops', { ...VALID, stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    ['a number for a stop', { ...VALID, stop: [1] }, 'stop'],
  ])('is refused with %s', (_, body, param) => {
    expect(refusalOf(body)).toEqual({ status: 400, type: 'invalid_request_error', param });
  });

  it('may leave everything else out, or null', () => {
    const nothing = {
      stream: false,
      stream_options: null,
      n: 1,
      max_tokens: null,
      max_completion_tokens: null,
      stop: null,
      tools: null,
      tool_choice: null,
      response_format: { type: 'text' },
      logprobs: false,
      top_logprobs: null,
      reasoning_effort: 'none',
    };

    expect(readChatRequest({ ...VALID, ...nothing })).toEqual(readChatRequest(VALID));
  });

  it('may hold an assistant that only called tools', () => {
    const messages = [...VALID.messages, { role: 'assistant', content: null, tool_calls: [] }];
    expect(readChatRequest({ ...VALID, messages }).messages[1]?.texts).toEqual([]);
  });
});
