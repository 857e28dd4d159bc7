import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countAnswerCharacters, parseChatCompletion } from './chat-completion.js';
import type { ChatAnswer } from './gateway.types.js';

interface Recorded {
  readonly response: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: {
      readonly choices: readonly { readonly message: { readonly content: string | null } }[];
      readonly usage: unknown;
    };
  };
}

/** An exchange recorded with a real LiteLLM proxy. */
function recorded(name: string): Recorded['response'] {
  const file = join(import.meta.dirname, `../../test/live/fixtures/${name}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as Recorded).response;
}

const MESSAGE = { role: 'assistant', content: 'Hello' };

function completion(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o-mini',
    choices: [{ index: 0, finish_reason: 'stop', message: MESSAGE }],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
    ...changes,
  });
}

function answerOf(content: string | null, finishReason: string | null): ChatAnswer {
  return { choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finishReason }] };
}

function messageOf(message: object): ChatAnswer['choices'][number]['message'] | undefined {
  return parseChatCompletion(completion({ choices: [{ message }] }))?.answer.choices[0]?.message;
}

describe('a chat completion', () => {
  it('is read down to what a team may see', () => {
    expect(parseChatCompletion(completion())).toEqual({
      answer: answerOf('Hello', 'stop'),
      rawUsage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
    });
  });

  it('of a real proxy is read', () => {
    const { body } = recorded('success');

    expect(parseChatCompletion(JSON.stringify(body))).toEqual({
      answer: answerOf(body.choices[0]!.message.content, 'stop'),
      rawUsage: body.usage,
    });
  });

  it('may have null for content, as a real proxy passes it on', () => {
    const parsed = parseChatCompletion(JSON.stringify(recorded('null-content').body));

    expect(parsed?.answer).toEqual(answerOf(null, 'stop'));
  });

  it('may have no content at all, as a provider may leave out what is null', () => {
    const parsed = parseChatCompletion(completion({ choices: [{ message: { role: 'assistant' } }] }));

    expect(parsed?.answer.choices[0]?.message.content).toBeNull();
  });

  it('may be empty', () => {
    const parsed = parseChatCompletion(
      completion({ choices: [{ message: { role: 'assistant', content: '' } }] }),
    );

    expect(parsed?.answer).toEqual(answerOf('', null));
  });

  it('is of the assistant, whatever role a provider makes up', () => {
    for (const role of [undefined, null, 'model', 7]) {
      const parsed = parseChatCompletion(completion({ choices: [{ message: { role, content: 'x' } }] }));
      expect(parsed?.answer.choices[0]?.message.role).toBe('assistant');
    }
  });

  // The list is that of OpenAI's API reference, "The chat completion object".
  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['function_call', 'function_call'],
    ['end_turn', 'stop'],
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['tool_use', 'tool_calls'],
    ['SAFETY', 'content_filter'],
    ['a-word-of-its-own', 'stop'],
    ['', null],
    [undefined, null],
    [null, null],
    [7, null],
  ])('that ends by %j has ended by %j: a word of its own would give the provider away', (given, expected) => {
    const parsed = parseChatCompletion(completion({ choices: [{ message: MESSAGE, finish_reason: given }] }));

    expect(parsed?.answer.choices[0]?.finish_reason).toBe(expected);
  });

  it('has every choice, under its index or else its place', () => {
    const choices = [
      { index: 1, message: { role: 'assistant', content: 'two' }, finish_reason: 'length' },
      { index: 0, message: { role: 'assistant', content: 'one' } },
      { message: { role: 'assistant', content: 'three' } },
    ];

    expect(parseChatCompletion(completion({ choices }))?.answer.choices).toEqual([
      { index: 1, message: { role: 'assistant', content: 'two' }, finish_reason: 'length' },
      { index: 0, message: { role: 'assistant', content: 'one' }, finish_reason: null },
      { index: 2, message: { role: 'assistant', content: 'three' }, finish_reason: null },
    ]);
  });

  it('has what the model thought and refused, under either name of the thoughts', () => {
    expect(messageOf({ content: null, refusal: 'No.', reasoning_content: 'Hm.' })).toEqual({
      role: 'assistant',
      content: null,
      refusal: 'No.',
      reasoning_content: 'Hm.',
    });
    expect(messageOf({ content: 'x', refusal: null, reasoning: 'Hm.' })).toEqual({
      role: 'assistant',
      content: 'x',
      reasoning_content: 'Hm.',
    });
  });

  it('has calls of tools with ids of our own, since those of a provider tell who it is', () => {
    const calls = messageOf({
      content: null,
      tool_calls: [
        { id: 'toolu_01A', type: 'function', function: { name: 'find', arguments: '{"q":1}' } },
        { id: 'toolu_01B', index: 1, function: { name: 'stop', arguments: { now: true } } },
        { id: 'toolu_01C', function: { name: 'wait' } },
      ],
    })?.tool_calls;
    const ids = calls?.map((call) => call.id) ?? [];

    expect(calls?.map((call) => call.function)).toEqual([
      { name: 'find', arguments: '{"q":1}' },
      { name: 'stop', arguments: '{"now":true}' },
      { name: 'wait', arguments: '{}' },
    ]);
    expect(calls?.map((call) => call.type)).toEqual(['function', 'function', 'function']);
    // What Mistral demands of an id is the strictest: nine letters or digits.
    expect(ids.every((id) => /^[A-Za-z0-9]{9}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(3);
  });

  it('passes nothing on that is not named, whatever a provider adds', () => {
    const parsed = parseChatCompletion(
      completion({
        system_fingerprint: 'fp_44709d6fcb',
        service_tier: 'default',
        citations: ['https://provider.example'],
        choices: [
          {
            index: 0,
            finish_reason: 'stop',
            content_filter_results: {},
            provider_specific_fields: { vendor: 'provider' },
            message: {
              ...MESSAGE,
              annotations: [{ url: 'https://provider.example' }],
              audio: { id: 'audio_1' },
              function_call: { name: 'old', arguments: '{}' },
              thinking_blocks: [{ signature: 'provider' }],
              provider_specific_fields: { vendor: 'provider' },
              images: [{ image_url: {} }],
            },
          },
        ],
      }),
    );

    expect(parsed?.answer).toEqual(answerOf('Hello', 'stop'));
  });

  it('has log probabilities as OpenAI describes them and nothing beside', () => {
    const logprobs = {
      vendor: 'provider',
      content: [
        {
          token: 'Hel',
          logprob: -0.25,
          bytes: [72, 101, 108],
          vendor: 'provider',
          top_logprobs: [{ token: 'Hey', logprob: -1.5, bytes: null, vendor: 'provider' }, 'broken'],
        },
        { token: 7 },
      ],
      refusal: null,
    };
    const choices = [{ index: 0, message: MESSAGE, logprobs }];

    expect(parseChatCompletion(completion({ choices }))?.answer.choices[0]?.logprobs).toEqual({
      content: [
        {
          token: 'Hel',
          logprob: -0.25,
          bytes: [72, 101, 108],
          top_logprobs: [{ token: 'Hey', logprob: -1.5, bytes: null }],
        },
      ],
      refusal: null,
    });
  });

  it('is as long as all that the model wrote in it', () => {
    const choices = [
      { message: { content: 'four', refusal: 'no', reasoning_content: 'hmm' } },
      { message: { content: null, tool_calls: [{ function: { name: 'find', arguments: '{}' } }] } },
    ];

    // 4 + 2 + 3 of the first, 4 + 2 of the second.
    expect(countAnswerCharacters(parseChatCompletion(completion({ choices }))!.answer)).toBe(15);
  });

  it.each([
    '',
    'null',
    '[]',
    '7',
    '"text"',
    '<html></html>',
    completion().slice(0, -1),
    '{}',
    completion({ choices: undefined }),
    completion({ choices: null }),
    completion({ choices: [] }),
    completion({ choices: {} }),
    completion({ choices: [null] }),
    completion({ choices: ['text'] }),
    completion({ choices: [{ text: 'legacy' }] }),
    completion({ choices: [{ message: null }] }),
    completion({ choices: [{ message: 'text' }] }),
    completion({ choices: [{ message: { role: 'assistant', content: 7 } }] }),
    completion({ choices: [{ message: MESSAGE }, { message: null }] }),
    completion({ choices: [{ message: { content: null, tool_calls: {} } }] }),
    completion({ choices: [{ message: { content: null, tool_calls: [{ id: 'call_1' }] } }] }),
    completion({ choices: [{ message: { role: 'assistant', content: [{ type: 'text', text: 'x' }] } }] }),
    '{"error":{"message":"late"}}',
  ])('is not %s', (body) => {
    expect(parseChatCompletion(body)).toBeNull();
  });

  it('is never a fault, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.json(), (body) => {
        expect(() => parseChatCompletion(body)).not.toThrow();
      }),
    );
  });
});
