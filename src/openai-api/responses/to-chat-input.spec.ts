import { describe, expect, it } from '@jest/globals';
import type { DomainError, FieldError } from '../../common/domain-error.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import { toResponsesInput } from './to-chat-input.js';

const REQUEST: ResponsesRequest = { model: 'ChatFast', input: 'Hello' };

async function refusalsOf(request: Partial<ResponsesRequest>): Promise<readonly FieldError[]> {
  try {
    await toResponsesInput({ ...REQUEST, ...request });
  } catch (error) {
    return (error as DomainError).details['errors'] as FieldError[];
  }
  return [];
}

describe('a request of the responses API', () => {
  it('becomes a call of its group, with its notes', async () => {
    const format = { type: 'json_schema', name: 'n', schema: { type: 'object' } };
    const input = await toResponsesInput({
      ...REQUEST,
      metadata: { page: '1' },
      max_output_tokens: 5,
      text: { format },
    });
    expect(input).toMatchObject({
      modelGroup: 'ChatFast',
      purpose: null,
      metadata: { page: '1' },
      request: { messages: [{ role: 'user', content: 'Hello' }], parameters: { max_completion_tokens: 5 } },
    });
    expect(input.schema?.check('{}').missed).toBeNull();
    expect(input.schema?.check('[]').missed).not.toBeNull();
  });

  it.each<[Partial<ResponsesRequest>, string]>([
    [{ input: [] }, 'input'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'file:///a' }] }] },
      'input.0.content.0.image_url',
    ],
    [{ input: [{ type: 'function_call_output', call_id: 'a', output: 'x' }] }, 'input.0.call_id'],
    [{ input: 'a\ud800' }, 'input'],
    [{ instructions: 'a\ud800' }, 'instructions'],
    [{ tools: [{ type: 'function', name: 'a b' }] }, 'tools'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ reasoning: { effort: 'endless' } }, 'reasoning.effort'],
    [{ text: { verbosity: 'loud' } }, 'text.verbosity'],
    [{ text: { format: { type: 'json_schema', name: 'n', schema: { type: 7 } } } }, 'text.format.schema'],
  ])('is held to the rules of every chat request: %j', async (request, field) => {
    const refusals = await refusalsOf(request);
    expect(refusals.map((refusal) => refusal.field)).toEqual([field]);
    for (const { message } of refusals)
      expect(message).not.toMatch(/messages|response_format|reasoning_effort/);
  });

  it('is told the place of what is wrong by its own items', async () => {
    const input = [
      { type: 'reasoning', summary: [] },
      { role: 'user', content: [{ type: 'input_text', text: 'a\ud800' }] },
    ];
    const [refusal] = await refusalsOf({ input, instructions: 'Be brief.' });
    expect(refusal?.message).toContain('input.1');
  });
});
