import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type Choice, complete, type Completion } from './sandbox.completion.js';
import { NO_FAULTS } from './sandbox.faults.js';
import { readChatRequest } from './sandbox.request.js';
import { loadTokenizer } from './sandbox.tokens.js';

const tokenizer = await loadTokenizer();

const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const TOOLS = [
  { type: 'function', function: { name: 'get_weather', parameters: WEATHER } },
  { type: 'function', function: { name: 'get_time' } },
];

function user(content: unknown): object {
  return { role: 'user', content };
}

function completeFor(changes: Record<string, unknown> = {}, faults = NO_FAULTS): Completion {
  const messages = [user('Hello world')];
  return complete(tokenizer, readChatRequest({ model: 'any-model', messages, ...changes }), faults);
}

function firstOf({ choices }: Completion): Choice {
  return choices[0]!;
}

function calledBy(changes: Record<string, unknown>): string[] {
  return firstOf(completeFor({ tools: TOOLS, ...changes })).toolCalls.map(({ name }) => name);
}

describe('several choices', () => {
  it('differ, begin with the only one of a single answer, and count together', () => {
    const one = completeFor();
    const eight = completeFor({ n: 8 });
    const texts = eight.choices.map(({ text }) => text ?? '');

    expect(new Set(texts).size).toBe(8);
    expect(texts[0]).toBe(firstOf(one).text);
    expect(eight.usage.prompt_tokens).toBe(9);
    expect(eight.usage.completion_tokens).toBe(texts.reduce((sum, text) => sum + tokenizer.count(text), 0));
    expect(completeFor({ n: 8 })).toEqual(eight);
  });
});

describe('calls of tools', () => {
  it.each([
    ['nothing that the user did not name', { messages: [user('Hello')] }, []],
    ['the function that the user named', { messages: [user('Use get_time, please')] }, ['get_time']],
    [
      'all functions that the user named, in the order of the tools',
      { messages: [user('get_time and get_weather')] },
      ['get_weather', 'get_time'],
    ],
    [
      'one of them where only one is allowed',
      { messages: [user('get_time and get_weather')], parallel_tool_calls: false },
      ['get_weather'],
    ],
    ['the first one where one is required', { tool_choice: 'required' }, ['get_weather']],
    [
      'the named one where one is required',
      { messages: [user('get_time')], tool_choice: 'required' },
      ['get_time'],
    ],
    [
      'the one that is chosen',
      { messages: [user('get_weather')], tool_choice: { type: 'function', function: { name: 'get_time' } } },
      ['get_time'],
    ],
    ['none where none is allowed', { messages: [user('get_weather')], tool_choice: 'none' }, []],
  ])('ask for %s', (_, changes, expected) => {
    expect(calledBy(changes)).toEqual(expected);
  });

  it('have no text, and arguments that their schema allows', () => {
    const completion = completeFor({ tools: TOOLS, tool_choice: 'required' });
    const { text, toolCalls, finishReason } = firstOf(completion);

    expect([text, finishReason]).toEqual([null, 'tool_calls']);
    expect(toolCalls[0]?.id).toMatch(/^call_[0-9a-f]{24}$/);
    expect(new Ajv2020().validate(WEATHER, JSON.parse(toolCalls[0]!.arguments))).toBe(true);
    expect(completeFor({ tools: TOOLS, tool_choice: 'required' })).toEqual(completion);
  });

  it('count their names and arguments, and the tools as JSON', () => {
    const { choices, usage } = completeFor({ tools: TOOLS, tool_choice: 'required' });
    const [call] = choices[0]!.toolCalls;

    expect(usage.prompt_tokens).toBe(9 + tokenizer.count(JSON.stringify(TOOLS)));
    expect(usage.completion_tokens).toBe(
      tokenizer.count('get_weather') + tokenizer.count(call?.arguments ?? ''),
    );
  });

  it('end at the limit of tokens', () => {
    const whole = completeFor({ tools: TOOLS, tool_choice: 'required' });
    const limit = whole.usage.completion_tokens - 3;
    const cut = completeFor({ tools: TOOLS, tool_choice: 'required', max_tokens: limit });
    const [cutText, wholeText] = [cut, whole].map((one) => firstOf(one).toolCalls[0]!.arguments);

    expect(firstOf(cut).finishReason).toBe('length');
    expect(cut.usage.completion_tokens).toBe(limit);
    expect(cutText).not.toBe(wholeText);
    expect(wholeText?.startsWith(cutText ?? '-')).toBe(true);
  });

  it('are followed by a text that quotes what the tool returned', () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'get_time', arguments: '{}' } };
    const messages = [
      user('Use get_time'),
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'Ten past nine' },
    ];
    for (const choice of ['auto', 'required']) {
      const { choices, usage } = completeFor({ messages, tools: TOOLS, tool_choice: choice });

      expect(choices[0]).toMatchObject({ toolCalls: [], finishReason: 'stop' });
      expect(choices[0]?.text).toContain('"Ten past nine"');
      // 3 for each message, 1 for each role, "Use get_time", the call, "Ten past nine", 3 for the reply.
      const texts = ['user', 'Use get_time', 'assistant', 'get_time', '{}', 'tool', 'Ten past nine'];
      const counted = texts.reduce((sum, text) => sum + tokenizer.count(text), 3 * 3 + 3);
      expect(usage.prompt_tokens).toBe(counted + tokenizer.count(JSON.stringify(TOOLS)));
    }
  });
});

describe('the format of an answer', () => {
  const format = { type: 'json_schema', json_schema: { name: 'weather', schema: WEATHER } };
  const textOf = (changes: object, faults = NO_FAULTS): string =>
    firstOf(completeFor({ ...changes }, faults)).text ?? '';

  it('is an object of JSON, or one that fits the schema', () => {
    expect(JSON.parse(textOf({ response_format: { type: 'json_object' } }))).toMatchObject({
      source: 'sandbox',
    });
    const value: unknown = JSON.parse(textOf({ response_format: format }));
    expect(new Ajv2020().validate(WEATHER, value)).toBe(true);
  });

  it('is missed or broken where a fault asks for it', () => {
    const missed: unknown = JSON.parse(
      textOf({ response_format: format }, { ...NO_FAULTS, schema: 'missed' }),
    );

    expect(new Ajv2020().validate(WEATHER, missed)).toBe(false);
    expect(
      () => JSON.parse(textOf({ response_format: format }, { ...NO_FAULTS, schema: 'broken' })) as unknown,
    ).toThrow(SyntaxError);
  });

  it.each([
    { type: 'object' },
    { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    { type: 'object', additionalProperties: false },
    { type: 'string' },
    { type: 'array', items: {} },
  ])('is missed by another type where an object would fit %j', (schema) => {
    const open = { type: 'json_schema', json_schema: { name: 'open', schema } };
    const missed: unknown = JSON.parse(textOf({ response_format: open }, { ...NO_FAULTS, schema: 'missed' }));
    expect(new Ajv2020().validate(schema, missed)).toBe(false);
  });

  it('is cut as any text', () => {
    const cut = completeFor({ response_format: format, max_tokens: 3 });

    expect(firstOf(cut).finishReason).toBe('length');
    expect(cut.usage.completion_tokens).toBe(3);
    expect(textOf({ response_format: format }).startsWith(firstOf(cut).text ?? '-')).toBe(true);
  });
});

describe('log probabilities', () => {
  it('are told for each token, with its bytes', () => {
    const { choices, usage } = completeFor({ logprobs: true });
    const { text, logprobs } = choices[0]!;

    expect(logprobs).toHaveLength(usage.completion_tokens);
    expect(logprobs!.map(({ token }) => token).join('')).toBe(text);
    expect(Buffer.from(logprobs!.flatMap(({ bytes }) => bytes)).toString()).toBe(text);
    for (const { logprob, top_logprobs: top } of logprobs!) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toEqual([]);
    }
    expect(firstOf(completeFor()).logprobs).toBeNull();
  });

  it('name the likeliest tokens, the written one first, with less than one in all', () => {
    const { logprobs } = firstOf(completeFor({ logprobs: true, top_logprobs: 5 }));

    for (const { token, logprob, top_logprobs: top } of logprobs!) {
      const values = top.map((one) => one.logprob);
      expect(top).toHaveLength(5);
      expect(top[0]).toMatchObject({ token, logprob });
      expect(values).toEqual([...values].sort((one, other) => other - one));
      expect(values.reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThan(1);
    }
  });

  it('end where the text does', () => {
    expect(firstOf(completeFor({ logprobs: true, max_tokens: 4 })).logprobs).toHaveLength(4);
  });
});

describe('pictures and sounds', () => {
  const text = { type: 'text', text: 'Hello world' };
  const picture = (url: string, detail?: string): object => ({
    type: 'image_url',
    image_url: { url, detail },
  });
  const sound = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } };
  const usageOf = (...parts: object[]): object => completeFor({ messages: [user([text, ...parts])] }).usage;

  it('count with a fixed number of tokens each', () => {
    expect(usageOf(picture('https://example.com/a.png', 'low'))).toMatchObject({ prompt_tokens: 9 + 85 });
    expect(usageOf(picture('http://example.com/a.png', 'high'))).toMatchObject({ prompt_tokens: 9 + 765 });
    expect(usageOf(picture('data:image/png;base64,AAAA'))).toMatchObject({ prompt_tokens: 9 + 765 });
    expect(usageOf(sound, sound)).toMatchObject({
      prompt_tokens: 9 + 200,
      prompt_tokens_details: { audio_tokens: 200 },
    });
    expect(usageOf()).not.toHaveProperty('prompt_tokens_details');
  });

  it('may change the text', () => {
    const urls = ['a', 'b', 'c', 'd', 'e'].map((name) => `https://example.com/${name}.png`);
    const texts = urls.map((url) => firstOf(completeFor({ messages: [user([text, picture(url)])] })).text);
    expect(new Set(texts).size).toBeGreaterThan(1);
  });
});

describe('reasoning', () => {
  it('stands beside the text and counts as a part of the answer', () => {
    const plain = completeFor();
    const { choices, usage } = completeFor({ reasoning_effort: 'low' });
    const reasoningTokens = tokenizer.count(choices[0]?.reasoning ?? '');

    expect(reasoningTokens).toBeGreaterThan(0);
    expect(choices[0]?.text).toBe(firstOf(plain).text);
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: reasoningTokens });
    expect(usage.completion_tokens).toBe(plain.usage.completion_tokens + reasoningTokens);
  });

  it('grows with the effort, and is left out without one', () => {
    const tokens = ['minimal', 'low', 'medium', 'high'].map(
      (effort) => completeFor({ reasoning_effort: effort }).usage.completion_tokens_details!.reasoning_tokens,
    );

    expect(tokens).toEqual([...tokens].sort((one, other) => one - other));
    expect(new Set(tokens).size).toBe(4);
    expect(firstOf(completeFor({ reasoning_effort: 'none' })).reasoning).toBeNull();
    expect(completeFor().usage).not.toHaveProperty('completion_tokens_details');
  });

  it('can take the whole limit', () => {
    const { choices, usage } = completeFor({ reasoning_effort: 'high', max_completion_tokens: 10 });

    expect(choices[0]).toMatchObject({ text: '', finishReason: 'length' });
    expect(usage).toMatchObject({
      completion_tokens: 10,
      completion_tokens_details: { reasoning_tokens: 10 },
    });
  });
});
