import { describe, expect, it } from '@jest/globals';
import type { DomainError, FieldError } from '../../common/domain-error.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import { toChatBody } from './to-chat-body.js';

function bodyOf(request: Partial<ResponsesRequest>): Record<string, unknown> {
  return toChatBody({ model: 'ChatFast', input: 'Hello', ...request }).body;
}

/** The field that is refused, and the code. */
function refusalOf(request: Partial<ResponsesRequest>): string {
  try {
    bodyOf(request);
  } catch (error) {
    const [first] = (error as DomainError).details['errors'] as FieldError[];
    return `${first!.field} ${first!.code}`;
  }
  return 'nothing is refused';
}

const fn = { type: 'function', name: 'get_invoice', parameters: { type: 'object' } };

describe('a request of the responses API', () => {
  it('that is a text is one message of the user', () => {
    expect(bodyOf({ input: 'Hello' })).toEqual({ messages: [{ role: 'user', content: 'Hello' }] });
  });

  it('begins with its instructions', () => {
    expect(bodyOf({ instructions: 'Be brief.', input: 'Hello' })['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ]);
  });

  it('has its parameters by their names in the chat API', () => {
    const request = {
      max_output_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      parallel_tool_calls: false,
      tools: [{ ...fn, strict: null, description: 'Finds an invoice' }],
      tool_choice: { type: 'function', name: 'get_invoice' },
      reasoning: { effort: 'low', summary: 'auto' },
      text: {
        verbosity: 'low',
        format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true },
      },
    };
    const { messages: _messages, ...parameters } = bodyOf(request);
    expect(parameters).toEqual({
      max_completion_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      parallel_tool_calls: false,
      tools: [
        {
          type: 'function',
          function: { name: 'get_invoice', description: 'Finds an invoice', parameters: { type: 'object' } },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'get_invoice' } },
      reasoning_effort: 'low',
      verbosity: 'low',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', schema: { type: 'object' }, strict: true },
      },
    });
  });

  it('takes null as not given, and no tools as none', () => {
    const nulls = {
      tools: null,
      tool_choice: null,
      text: null,
      reasoning: null,
      include: null,
      instructions: null,
    };
    expect(Object.keys(bodyOf(nulls))).toEqual(['messages']);
    expect(Object.keys(bodyOf({ tools: [], include: [] }))).toEqual(['messages']);
  });

  it('may say how to choose among no tools', () => {
    for (const tool_choice of ['auto', 'none']) {
      expect(Object.keys(bodyOf({ tools: [], tool_choice, parallel_tool_calls: true }))).toEqual([
        'messages',
      ]);
    }
    expect(bodyOf({ tool_choice: 'required' })['tool_choice']).toBe('required');
  });

  it.each([
    [{ type: 'text' }, { type: 'text' }],
    [{ type: 'json_object' }, { type: 'json_object' }],
  ])('passes the format %j on', (format, expected) => {
    expect(bodyOf({ text: { format } })['response_format']).toEqual(expected);
  });
});

describe('the items of a request', () => {
  it('are messages with the parts that the chat API has', () => {
    const input = [
      { role: 'developer', content: 'Be brief.' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' },
        ],
      },
    ];
    expect(bodyOf({ input })['messages']).toEqual([
      { role: 'developer', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
        ],
      },
    ]);
  });

  it('of an answer come back as one message of the assistant, without its reasoning', () => {
    const input = [
      { role: 'user', content: 'Two invoices' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'I look.', annotations: [], logprobs: [], parsed: null }],
      },
      {
        type: 'function_call',
        id: 'fc_1',
        status: 'completed',
        call_id: 'a',
        name: 'get_invoice',
        arguments: '{}',
      },
      {
        type: 'function_call',
        call_id: 'b',
        name: 'get_invoice',
        arguments: '{"n":1}',
        parsed_arguments: { n: 1 },
      },
      { type: 'function_call_output', call_id: 'a', output: 'paid' },
      { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'open' }] },
    ];
    const call = (id: string, text: string) => ({
      id,
      type: 'function',
      function: { name: 'get_invoice', arguments: text },
    });
    expect(bodyOf({ input })['messages']).toEqual([
      { role: 'user', content: 'Two invoices' },
      { role: 'assistant', content: 'I look.', tool_calls: [call('a', '{}'), call('b', '{"n":1}')] },
      { role: 'tool', tool_call_id: 'a', content: 'paid' },
      { role: 'tool', tool_call_id: 'b', content: 'open' },
    ]);
  });

  it('that are calls only are a message without content', () => {
    const input = [{ type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }];
    expect(bodyOf({ input })['messages']).toMatchObject([{ role: 'assistant', content: null }]);
  });
});

describe('what needs stored state, or runs at a provider,', () => {
  it.each<[Partial<ResponsesRequest>, string]>([
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input.0 unsupported_parameter'],
    [{ include: ['file_search_call.results'] }, 'include unsupported_parameter'],
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type unsupported_parameter'],
    [{ tools: [fn, { type: 'mcp' }] }, 'tools.1.type unsupported_parameter'],
    [{ tool_choice: { type: 'file_search' } }, 'tool_choice.type unsupported_parameter'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] },
      'input.0.content.0.file_id unsupported_parameter',
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] },
      'input.0.content.0 unsupported_parameter',
    ],
  ])('is refused: %j', (request, expected) => {
    expect(refusalOf(request)).toBe(expected);
  });
});

describe('what is no request of the responses API', () => {
  it.each<[Partial<ResponsesRequest>, string]>([
    [{ input: 7 }, 'input is_array'],
    [{ input: ['Hello'] }, 'input.0 is_object'],
    [{ input: [{ role: 'tool', content: 'x' }] }, 'input.0.role is_in'],
    [{ input: [{ type: 'web_search_call' }] }, 'input.0.type is_in'],
    [{ input: [{ role: 'user' }] }, 'input.0.content is_array'],
    [{ input: [{ role: 'user', content: 'x', name: 'y' }] }, 'input.0.name unknown_field'],
    [
      { input: [{ role: 'user', content: [{ type: 'output_text', text: 'x' }] }] },
      'input.0.content.0.type is_in',
    ],
    [{ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'input.0.content.0.text is_string'],
    [{ input: [{ type: 'function_call', call_id: 'a', name: 'f' }] }, 'input.0.arguments is_string'],
    [{ tools: [{ ...fn, colour: 1 }] }, 'tools.0.colour unknown_field'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type is_in'],
    [{ text: { colour: 1 } }, 'text.colour unknown_field'],
    [{ reasoning: { depth: 1 } }, 'reasoning.depth unknown_field'],
  ])('is refused with its place: %j', (request, expected) => {
    expect(refusalOf(request)).toBe(expected);
  });
});
