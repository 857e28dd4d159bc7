import { describe, expect, it } from '@jest/globals';
import { complete } from './sandbox.completion.js';
import { readChatRequest } from './sandbox.request.js';
import { loadTokenizer } from './sandbox.tokens.js';

const tokenizer = await loadTokenizer();

function completeFor(changes: Record<string, unknown> = {}) {
  const messages = [{ role: 'user', content: 'Hello world' }];
  const { choices, usage } = complete(
    tokenizer,
    readChatRequest({ model: 'any-model', messages, ...changes }),
  );
  return { text: choices[0]?.text ?? '', finishReason: choices[0]?.finishReason, usage };
}

describe('a completion', () => {
  it('counts the prompt, its own text and their sum', () => {
    const { text, finishReason, usage } = completeFor();

    // 3 for the message, 1 for "user", 2 for "Hello world", 3 for the reply.
    expect(usage.prompt_tokens).toBe(9);
    expect(usage.completion_tokens).toBe(tokenizer.count(text));
    expect(usage.total_tokens).toBe(9 + usage.completion_tokens);
    expect(finishReason).toBe('stop');
    expect(text).toContain('"Hello world"');
  });

  it('is the same for equal messages and parameters, however the content is written', () => {
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'Hello world' }] }];

    expect(completeFor()).toEqual(completeFor());
    expect(completeFor({ messages: parts })).toEqual(completeFor());
    expect(completeFor({ model: 'another-model' })).toEqual(completeFor());
  });

  it.each(['temperature', 'top_p', 'seed'])('changes with the parameter %s', (name) => {
    const texts = new Set([0, 1, 2, 3, 4].map((value) => completeFor({ [name]: value }).text));
    expect(texts.size).toBeGreaterThan(1);
  });

  it('quotes the last message of the user, not the last one', () => {
    const messages = [
      { role: 'user', content: 'First' },
      { role: 'user', content: 'Second' },
      { role: 'assistant', content: 'Third' },
    ];
    expect(completeFor({ messages }).text).toContain('"Second"');
  });

  it.each(['max_tokens', 'max_completion_tokens'])('ends after exactly as many tokens as %s', (name) => {
    const whole = completeFor();
    for (const limit of [1, 2, 7, whole.usage.completion_tokens - 1]) {
      const cut = completeFor({ [name]: limit });

      expect(cut.finishReason).toBe('length');
      expect(cut.usage.completion_tokens).toBe(limit);
      expect(tokenizer.count(cut.text)).toBe(limit);
      expect(whole.text.startsWith(cut.text)).toBe(true);
    }
    expect(completeFor({ [name]: whole.usage.completion_tokens })).toEqual(whole);
  });

  it('lets max_completion_tokens go before max_tokens', () => {
    expect(completeFor({ max_tokens: 9, max_completion_tokens: 2 }).usage.completion_tokens).toBe(2);
  });

  it('leaves no half of a character behind at any limit', () => {
    // Each of these characters takes several tokens.
    const messages = [{ role: 'user', content: '\u{1f9ec}\u{1fae0}\u{1f9ff}' }];
    const whole = completeFor({ messages });
    for (let limit = 1; limit < whole.usage.completion_tokens; limit++) {
      const cut = completeFor({ messages, max_tokens: limit });
      expect(whole.text.startsWith(cut.text)).toBe(true);
      expect(cut.usage.completion_tokens).toBe(limit);
    }
  });

  it('ends before the first of the stop texts', () => {
    const whole = completeFor();
    const cut = completeFor({ stop: ['Hello', ' world"'] });

    expect(cut.text).toBe(whole.text.slice(0, whole.text.indexOf('Hello')));
    expect(cut.finishReason).toBe('stop');
    expect(cut.usage.completion_tokens).toBe(tokenizer.count(cut.text));
    expect(completeFor({ stop: 'Hello' })).toEqual(cut);
    expect(completeFor({ stop: 'not in the text' })).toEqual(whole);
  });

  it('is empty where a stop text is the beginning', () => {
    const cut = completeFor({ stop: completeFor().text.slice(0, 4) });
    expect(cut).toMatchObject({ text: '', finishReason: 'stop', usage: { completion_tokens: 0 } });
  });

  it('reaches its limit before a stop text that would come later', () => {
    expect(completeFor({ stop: 'Hello', max_tokens: 2 }).finishReason).toBe('length');
  });
});
