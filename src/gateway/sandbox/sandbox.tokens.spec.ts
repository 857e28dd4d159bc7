import { describe, expect, it } from '@jest/globals';
import { countPromptTokens, type CountedMessage, loadTokenizer } from './sandbox.tokens.js';

const tokenizer = await loadTokenizer();

function message(role: string, text: string, name: string | null = null): CountedMessage {
  return { role, name, texts: [text] };
}

describe('the tokenizer', () => {
  it.each([
    // The counts that OpenAI's cookbook "How to count tokens with tiktoken" prints for o200k_base.
    ['antidisestablishmentarianism', 6],
    ['2 + 2 = 4', 7],
    ['お誕生日おめでとう', 8],
    ['', 0],
  ])('counts %j as OpenAI does', (text, expected) => {
    expect(tokenizer.count(text)).toBe(expected);
    expect(tokenizer.encode(text)).toHaveLength(expected);
  });

  it('takes the names of special tokens as text', () => {
    // "<", "|", "end", "of", "text", "|", ">": the library refuses such a text unless told otherwise.
    expect(tokenizer.count('<|endoftext|>')).toBe(7);
    expect(tokenizer.decode(tokenizer.encode('a <|im_start|> b'))).toBe('a <|im_start|> b');
  });

  it('leaves half a character out, and out of the next text too', () => {
    // The emoji takes three tokens, the letter one.
    const tokens = tokenizer.encode('a\u{1f9ec}');
    expect(tokens.length).toBe(4);

    expect(tokenizer.decode(tokens.slice(0, 3))).toBe('a');
    expect(tokenizer.decode(tokens)).toBe('a\u{1f9ec}');
    expect(tokenizer.decode(tokenizer.encode('\ufeffz'))).toBe('\ufeffz');
  });

  it('counts a long text without long runs exactly like its parts', () => {
    // "hello" and " hello" are one token each, so that many words are as many tokens.
    expect(tokenizer.count(`hello${' hello'.repeat(9_999)}`)).toBe(10_000);
  });

  it('counts a long unbroken run, whole characters at a time', () => {
    // Eight times "a" is one token of o200k_base. Uncut, this text would take the tokenizer hours.
    expect(tokenizer.count('a'.repeat(1_000_000))).toBe(125_000);
    // An emoji of two UTF-16 halves is one token; a cut between the halves would make broken characters of it.
    expect(tokenizer.count(`x${'😀'.repeat(100_000)}`)).toBe(100_001);
  });
});

describe('the tokens of a prompt', () => {
  it('are what OpenAI was billing for the messages of its cookbook', () => {
    // "124 prompt tokens counted by the OpenAI API" for gpt-4o and gpt-4o-mini.
    const messages = [
      message(
        'system',
        'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
      ),
      message('system', 'New synergies will help drive top-line growth.', 'example_user'),
      message('system', 'Things working well together will increase revenue.', 'example_assistant'),
      message(
        'system',
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        'example_user',
      ),
      message('system', "Let's talk later when we're less busy about how to do better.", 'example_assistant'),
      message(
        'user',
        "This late pivot means we don't have time to boil the ocean for the client deliverable.",
      ),
    ];

    expect(countPromptTokens(tokenizer, messages)).toBe(124);
  });

  it('are what the API reference of OpenAI shows for its first example', () => {
    // 3 + 1 + 6 for the first message, 3 + 1 + 2 for the second, 3 for the reply.
    const messages = [message('system', 'You are a helpful assistant.'), message('user', 'Hello!')];

    expect(countPromptTokens(tokenizer, messages)).toBe(19);
  });

  it('count every part of a content', () => {
    // 3 + 1 for the message, 2 for "Hello world" twice, 3 for the reply.
    const messages = [{ role: 'user', name: null, texts: ['Hello world', 'Hello world'] }];

    expect(countPromptTokens(tokenizer, messages)).toBe(11);
  });
});
