import { describe, expect, it } from '@jest/globals';
import type { ChatChoice } from '../../gateway/gateway.types.js';
import type { MadeChat } from '../../jobs/job-calls.types.js';
import { toResponse } from './answer.js';

function madeChat(choice: Partial<ChatChoice>): MadeChat {
  return {
    jobId: 'job',
    callId: 'call',
    startedAt: new Date('2026-11-24T12:00:00.900Z'),
    modelGroup: 'ChatFast',
    credits: { held: 1, available: 9 },
    answer: {
      choices: [
        { index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop', ...choice },
      ],
    },
    usage: { promptTokens: 7, completionTokens: 5, totalTokens: 12, cachedTokens: 3, reasoningTokens: 2 },
    latencyMs: 12,
    completion: null,
    schemaMiss: null,
  };
}

const REQUEST = { model: 'ChatFast', input: 'Hi' };

describe('the response to a call', () => {
  it('is all that the API promises, with nothing stored', () => {
    expect(toResponse(REQUEST, madeChat({}))).toEqual({
      id: 'resp_call',
      object: 'response',
      // 2026-11-24T12:00:00Z in seconds, by `date -d`.
      created_at: 1_795_521_600,
      status: 'completed',
      background: false,
      error: null,
      incomplete_details: null,
      instructions: null,
      max_output_tokens: null,
      model: 'ChatFast',
      output: [
        {
          id: 'msg_call',
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Hello.', annotations: [], logprobs: [] }],
        },
      ],
      parallel_tool_calls: true,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: false,
      temperature: null,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_p: null,
      truncation: 'disabled',
      usage: {
        input_tokens: 7,
        input_tokens_details: { cached_tokens: 3 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 12,
      },
      user: null,
      metadata: {},
    });
  });

  it('repeats what was asked', () => {
    const asked = {
      instructions: 'Be brief.',
      max_output_tokens: 5,
      temperature: 1,
      tools: [{ type: 'function', name: 'f' }],
      tool_choice: 'required',
      reasoning: { effort: 'low' },
      metadata: { a: 'b' },
      user: 'john',
    };
    expect(toResponse({ ...REQUEST, ...asked }, madeChat({}))).toMatchObject({
      ...asked,
      reasoning: { effort: 'low', summary: null },
    });
  });

  it('has an item for each function that is called', () => {
    const call = (id: string) => ({
      id,
      type: 'function' as const,
      function: { name: 'f', arguments: `{"id":"${id}"}` },
    });
    const message = { role: 'assistant' as const, content: null, tool_calls: [call('a'), call('b')] };
    expect(toResponse(REQUEST, madeChat({ message, finish_reason: 'tool_calls' })).output).toEqual([
      {
        id: 'fc_call_0',
        type: 'function_call',
        status: 'completed',
        call_id: 'a',
        name: 'f',
        arguments: '{"id":"a"}',
      },
      {
        id: 'fc_call_1',
        type: 'function_call',
        status: 'completed',
        call_id: 'b',
        name: 'f',
        arguments: '{"id":"b"}',
      },
    ]);
  });

  it('has a refusal as a part of its message', () => {
    const message = { role: 'assistant' as const, content: null, refusal: 'No.' };
    expect(toResponse(REQUEST, madeChat({ message })).output).toMatchObject([
      { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] },
    ]);
  });

  it('has no output where the model gave none', () => {
    const message = { role: 'assistant' as const, content: null };
    expect(toResponse(REQUEST, madeChat({ message })).output).toEqual([]);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('that ended by %s is incomplete by %s', (finish_reason, reason) => {
    const response = toResponse(REQUEST, madeChat({ finish_reason }));
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason } });
    expect(response.output[0]?.status).toBe('incomplete');
  });
});
