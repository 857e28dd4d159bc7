import { describe, expect, it } from '@jest/globals';
import { SANDBOX_PRICES } from './sandbox.prices.js';
import { composeText } from './sandbox.text.js';

const NAMES = /gpt|openai|claude|anthropic|gemini|mistral|llama|azure|bedrock|deepseek|qwen|grok|litellm/i;

function textFor(lastUserText: string | null, model = 'any-model', seed: unknown = lastUserText): string {
  return composeText({ lastUserText, model, seed });
}

function quoteIn(text: string): string {
  return /"([^"]*)"/.exec(text)?.[1] ?? '';
}

describe('the text of the sandbox', () => {
  it('says where it comes from in several sentences, whatever it is asked', () => {
    for (let seed = 0; seed < 200; seed++) {
      const text = textFor('What is a ledger', 'any-model', seed);

      expect(text).toContain('sandbox');
      expect(quoteIn(text)).toBe('What is a ledger');
      expect(text.match(/[.?!](?= |$)/g)!.length).toBeGreaterThanOrEqual(4);
      expect(text).not.toMatch(NAMES);
      expect(text).not.toContain('QUOTE');
    }
  });

  it('is the same for the same source and differs between others', () => {
    expect(textFor('Hello', 'any-model', 1)).toBe(textFor('Hello', 'any-model', 1));
    const texts = new Set(Array.from({ length: 50 }, (_, seed) => textFor('Hello', 'any-model', seed)));
    expect(texts.size).toBeGreaterThan(40);
  });

  it('quotes at most 80 characters, never half a one, on one line', () => {
    expect(quoteIn(textFor('😀'.repeat(81)))).toBe(`${'😀'.repeat(80)}…`);
    expect(quoteIn(textFor('😀'.repeat(80)))).toBe('😀'.repeat(80));
    expect(quoteIn(textFor(' One\n\n  two\t"three"\u0000 '))).toBe("One two 'three'");
    expect(textFor('\ud800 half').isWellFormed()).toBe(true);
  });

  it('quotes what looks like a pattern of String.replace as it is', () => {
    expect(quoteIn(textFor('$& $1 $$'))).toBe('$& $1 $$');
  });

  it('names no model and no maker, even where the user did', () => {
    for (const name of [...SANDBOX_PRICES.keys(), 'GPT-4o', 'Claude 3', 'openai/gpt-4.1-mini', 'OpenAI']) {
      expect(textFor(`Are you ${name}, or is ${name} somebody else?`)).not.toMatch(NAMES);
    }
    expect(quoteIn(textFor('Compare gpt-4o with claude-3.5, please.'))).toBe(
      'Compare [name] with [name], please.',
    );
    expect(quoteIn(textFor('Be coherent about chatgpts.'))).toBe('Be coherent about chatgpts.');
  });

  it('does not name the model asked for', () => {
    expect(quoteIn(textFor('Is this acme/x-1 (v2)?', 'acme/x-1 (v2)'))).toBe('Is this [name]?');
    expect(quoteIn(textFor('alphabet and alpha', 'alpha'))).toBe('alphabet and [name]');
  });

  it('does without a quote where there is none', () => {
    expect(textFor(null)).toContain('There was no message of a user');
    expect(textFor(' \n ')).toContain('There was no message of a user');
  });
});
