import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeUsage } from '../../test/support/usage.js';
import {
  COST_OF_NOTHING_SENT,
  costFromHeader,
  parseChatCompletion,
  UNKNOWN_COST,
} from './chat-completion.js';
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

function withUsage(usage: unknown) {
  return parseChatCompletion(completion({ usage }))?.usage;
}

describe('a chat completion', () => {
  it('is read down to what a team may see', () => {
    expect(parseChatCompletion(completion())).toEqual({
      answer: answerOf('Hello', 'stop'),
      usage: makeUsage({ inputTokens: 9, outputTokens: 3 }),
    });
  });

  it('of a real proxy is read', () => {
    const { body } = recorded('success');

    // 13 and 76 tokens are what the recording says.
    expect(parseChatCompletion(JSON.stringify(body))).toEqual({
      answer: answerOf(body.choices[0]!.message.content, 'stop'),
      usage: makeUsage({ inputTokens: 13, outputTokens: 76 }),
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
    ['end_turn', null],
    ['STOP', null],
    ['', null],
    [undefined, null],
    [null, null],
    [7, null],
  ])('that ends by %j has ended by %j: a word of its own would give the provider away', (given, expected) => {
    const parsed = parseChatCompletion(completion({ choices: [{ message: MESSAGE, finish_reason: given }] }));

    expect(parsed?.answer.choices[0]?.finish_reason).toBe(expected);
  });

  it('with several choices is the first', () => {
    const choices = ['one', 'two'].map((content) => ({ message: { role: 'assistant', content } }));

    expect(parseChatCompletion(completion({ choices }))?.answer.choices[0]?.message.content).toBe('one');
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

describe('the usage of a completion', () => {
  it('has the sum where the total is missing or cannot be one', () => {
    expect(withUsage({ prompt_tokens: 9, completion_tokens: 3 })?.totalTokens).toBe(12);
    expect(withUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: null })?.totalTokens).toBe(12);
    expect(withUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: -1 })?.totalTokens).toBe(12);
  });

  it('keeps a total that has more in it than prompt and completion', () => {
    expect(withUsage({ prompt_tokens: 9, completion_tokens: 3, total_tokens: 40 })?.totalTokens).toBe(40);
  });

  it('may have a zero in it, but not both: a proxy writes zeros where its provider reported nothing', () => {
    const { usage } = recorded('missing-usage').body;

    expect(usage).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
    expect(withUsage(usage)).toBeNull();
    expect(withUsage({ prompt_tokens: 9, completion_tokens: 0 })?.totalTokens).toBe(9);
    expect(withUsage({ prompt_tokens: 0, completion_tokens: 3 })?.totalTokens).toBe(3);
  });

  it.each([
    undefined,
    null,
    7,
    'many',
    [],
    {},
    { prompt_tokens: 9 },
    { completion_tokens: 3 },
    { prompt_tokens: -1, completion_tokens: 3 },
    { prompt_tokens: 9, completion_tokens: 1.5 },
    { prompt_tokens: '9', completion_tokens: 3 },
    { prompt_tokens: 9, completion_tokens: 2 ** 53 },
    { prompt_tokens: 9, completion_tokens: 1_000_000_001 },
  ])('that is %j is unknown', (usage) => {
    expect(withUsage(usage)).toBeNull();
  });
});

describe('the cost in a header', () => {
  it('of a real proxy is the price of its tokens, with the text kept', () => {
    // 13 prompt tokens at 1.5e-7 and 76 completion tokens at 6e-7 USD: 0.00000195 + 0.0000456.
    expect(costFromHeader(recorded('success').headers['x-litellm-response-cost'] ?? null)).toEqual({
      costUsd: '0.00004755',
      source: 'upstream_header',
      text: '4.755e-05',
    });
  });

  it('that a real proxy leaves out, having no price, is unknown and not free', () => {
    expect(costFromHeader(recorded('no-price').headers['x-litellm-response-cost'] ?? null)).toEqual({
      costUsd: null,
      source: 'unpriced',
      text: null,
    });
  });

  it.each(['', 'NaN', '-1', 'None', 'Infinity'])(
    'that is %j is unknown, with the text kept for audits',
    (text) => {
      expect(costFromHeader(text)).toEqual({ costUsd: null, source: 'unpriced', text });
    },
  );

  it('may have spaces around it', () => {
    expect(costFromHeader(' 0.5 ')).toEqual({ costUsd: '0.5', source: 'upstream_header', text: ' 0.5 ' });
  });

  it('has a source that fits the amount: unpriced exactly where there is none', () => {
    const header = fc.option(fc.oneof(fc.string(), fc.double().map(String)));
    fc.assert(
      fc.property(header, (text) => {
        const cost = costFromHeader(text);
        expect(cost.source === 'unpriced').toBe(cost.costUsd === null);
        expect(cost.text).toBe(text);
      }),
    );
  });
});

describe('the cost without an answer', () => {
  it('is nothing where nothing was sent, and unknown where something was', () => {
    expect(COST_OF_NOTHING_SENT).toEqual({ costUsd: '0', source: 'not_sent', text: null });
    expect(UNKNOWN_COST).toEqual({ costUsd: null, source: 'unpriced', text: null });
  });
});
