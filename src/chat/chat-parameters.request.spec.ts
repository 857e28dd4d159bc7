import { describe, expect, it } from '@jest/globals';
import { DomainError, type FieldError } from '../common/domain-error.js';
import { RefusesFields } from '../common/refused-fields.js';
import { createValidationPipe } from '../common/validation.pipe.js';
import { IsOptional } from 'class-validator';
import { ChatParametersRequest } from './chat-parameters.request.js';
import { IsHarmless } from './harmless.validator.js';
import { refusedParametersWithout } from './refused-parameters.js';

const MESSAGES = [{ role: 'user', content: 'Hi' }];
const TOOLS = [{ type: 'function', function: { name: 'measure' } }];

type Dto = new () => object;

/** The refused fields of a request with these beside its messages. */
async function refusalsOf(fields: object, metatype: Dto = ChatParametersRequest): Promise<FieldError[]> {
  try {
    await createValidationPipe().transform({ messages: MESSAGES, ...fields }, { type: 'body', metatype });
  } catch (error) {
    if (error instanceof DomainError) return error.details['errors'] as FieldError[];
    throw error;
  }
  return [];
}

async function codesOf(fields: object, metatype?: Dto): Promise<string[]> {
  return (await refusalsOf(fields, metatype)).map(({ field, code }) => `${field} ${code}`);
}

describe('a parameter', () => {
  it.each([
    { n: 1 },
    { n: 8 },
    { logprobs: false },
    { logprobs: true, top_logprobs: 0 },
    { logprobs: true, top_logprobs: 20 },
    { logit_bias: {} },
    { logit_bias: { 1: -100, 50_256: 0.5, 999_999_999: 100 } },
    { tools: TOOLS, tool_choice: 'auto', parallel_tool_calls: false },
    { response_format: { type: 'json_object' } },
    { reasoning_effort: 'none' },
    { reasoning_effort: 'xhigh' },
    { verbosity: 'medium' },
    { stream: false },
    { stream: true, stream_options: { include_usage: true } },
    { stream: true, stream_options: { include_usage: null } },
    { stream: true, stream_options: {} },
    { stop: ['1', '2', '3', '4'] },
    { stop: ' ' },
  ])('may be %j', async (fields) => {
    expect(await refusalsOf(fields)).toEqual([]);
  });

  it.each<[object, string]>([
    [{ n: 0 }, 'n min'],
    [{ n: 9 }, 'n max'],
    [{ n: 1.5 }, 'n is_int'],
    [{ logprobs: 1 }, 'logprobs is_boolean'],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs max'],
    [{ top_logprobs: 2 }, 'top_logprobs needs_logprobs'],
    [{ logprobs: false, top_logprobs: 2 }, 'top_logprobs needs_logprobs'],
    [{ logit_bias: { a: 1 } }, 'logit_bias is_logit_bias'],
    [{ logit_bias: { 1: 101 } }, 'logit_bias is_logit_bias'],
    [{ logit_bias: { 1: '1' } }, 'logit_bias is_logit_bias'],
    [{ logit_bias: { 1: null } }, 'logit_bias is_logit_bias'],
    [{ tools: [] }, 'tools is_tools'],
    [{ tools: TOOLS, tool_choice: 'any' }, 'tool_choice is_tool_choice'],
    [{ tool_choice: 'auto' }, 'tool_choice needs_tools'],
    [{ tools: null, parallel_tool_calls: true }, 'parallel_tool_calls needs_tools'],
    [{ tools: TOOLS, parallel_tool_calls: 'no' }, 'parallel_tool_calls is_boolean'],
    [{ response_format: 'text' }, 'response_format is_response_format'],
    [{ reasoning_effort: 'extreme' }, 'reasoning_effort is_in'],
    [{ verbosity: 'none' }, 'verbosity is_in'],
    [{ stream: 'true' }, 'stream is_boolean'],
    [{ stream_options: { include_usage: true } }, 'stream_options is_stream_options'],
    [{ stream: true, stream_options: { include_usage: 1 } }, 'stream_options is_stream_options'],
    [{ stream: true, stream_options: { include_cost: true } }, 'stream_options is_stream_options'],
    [{ stop: [] }, 'stop is_stop'],
    [{ stop: '' }, 'stop is_stop'],
    [{ stop: ['a', ''] }, 'stop is_stop'],
    [{ stop: ['1', '2', '3', '4', '5'] }, 'stop is_stop'],
    [{ stop: '\ud800' }, 'stop is_stop'],
    [{ messages: [] }, 'messages is_chat_messages'],
  ])('must not be %j', async (fields, expected) => {
    expect(await codesOf(fields)).toEqual([expected]);
  });

  it('may bias 1,000 tokens, which is as many keys as any body may have in one object', async () => {
    const biases = (count: number): object => ({
      logit_bias: Object.fromEntries(Array.from({ length: count }, (_, token) => [token, 1])),
    });
    expect(await refusalsOf(biases(1_000))).toEqual([]);
    expect(await codesOf(biases(1_001))).toEqual(['logit_bias is_logit_bias']);
  });

  it('counts as left out where it is null', async () => {
    const names = [
      ...['temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'stop', 'seed', 'presence_penalty'],
      ...['frequency_penalty', 'n', 'logprobs', 'top_logprobs', 'logit_bias', 'tools', 'tool_choice'],
      ...[
        'parallel_tool_calls',
        'response_format',
        'reasoning_effort',
        'verbosity',
        'stream',
        'stream_options',
      ],
    ] as const;
    expect(await refusalsOf(Object.fromEntries(names.map((name) => [name, null])))).toEqual([]);
  });
});

describe('a parameter that is known and refused', () => {
  it('is refused with the reason', async () => {
    expect(await refusalsOf({ top_k: 40 })).toEqual([
      {
        field: 'top_k',
        code: 'unsupported_parameter',
        message:
          'top_k is not supported: it is not part of the chat API that all models share, use temperature or top_p',
      },
    ]);
  });

  it('is told from one that nobody knows', async () => {
    expect(await codesOf({ user: 'u', colour: 'red' })).toEqual([
      'user unsupported_parameter',
      'colour unknown_field',
    ]);
  });

  it('may be taken by one door, in part or whole, and stays refused at the others', async () => {
    @RefusesFields(refusedParametersWithout('user', 'store', 'service_tier'))
    class DoorRequest extends ChatParametersRequest {
      @IsOptional()
      user?: string | null;

      @IsOptional()
      @IsHarmless(false)
      store?: boolean | null;

      @IsOptional()
      @IsHarmless('auto', 'default')
      service_tier?: string | null;
    }

    expect(await codesOf({ user: 'u', store: false, service_tier: 'auto' }, DoorRequest)).toEqual([]);
    expect(await codesOf({ store: null, service_tier: null }, DoorRequest)).toEqual([]);
    expect(await refusalsOf({ store: true, service_tier: 'flex', top_k: 1 }, DoorRequest)).toEqual([
      expect.objectContaining({ field: 'top_k', code: 'unsupported_parameter' }),
      {
        field: 'store',
        code: 'unsupported_parameter',
        message: 'store is not supported: nothing is kept at a provider. Leave it out, or send false',
      },
      {
        field: 'service_tier',
        code: 'unsupported_parameter',
        message:
          'service_tier is not supported: what it costs is not known beforehand. Leave it out, or send "auto" or "default"',
      },
    ]);
    expect(await codesOf({ user: 'u' })).toEqual(['user unsupported_parameter']);
  });
});
