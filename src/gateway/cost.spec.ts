import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  COST_OF_NOTHING_SENT,
  costFromHeader,
  costFromUsage,
  costOfAnswer,
  UNKNOWN_COST,
  withoutZero,
} from './cost.js';

/** An exchange recorded with a real LiteLLM proxy. */
function recorded(name: string): { readonly headers: Readonly<Record<string, string>> } {
  const file = join(import.meta.dirname, `../../test/live/fixtures/${name}.json`);
  const { response } = JSON.parse(readFileSync(file, 'utf8')) as {
    response: { readonly headers: Readonly<Record<string, string>> };
  };
  return response;
}

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

  it.each(['', 'NaN', '-1', 'None', 'Infinity', '1000000.01', '1e7'])(
    'that is %j is refused, with the text kept for audits',
    (text) => {
      expect(costFromHeader(text)).toEqual({ costUsd: null, source: 'refused', text });
    },
  );

  it('may have spaces around it', () => {
    expect(costFromHeader(' 0.5 ')).toEqual({ costUsd: '0.5', source: 'upstream_header', text: ' 0.5 ' });
  });

  it('has an amount exactly if it is believed', () => {
    const header = fc.option(fc.oneof(fc.string(), fc.double().map(String)));
    fc.assert(
      fc.property(header, (text) => {
        const cost = costFromHeader(text);
        expect(cost.source === 'upstream_header').toBe(cost.costUsd !== null);
        expect(cost.source === 'unpriced').toBe(text === null);
      }),
    );
  });

  it('keeps no more of a long text than an audit can use', () => {
    expect(costFromHeader('x'.repeat(500)).text).toBe('x'.repeat(128));
  });
});

describe('the cost in a usage', () => {
  it.each<[unknown, string, string]>([
    [0.000123, '0.000123', '0.000123'],
    [1e-7, '0.0000001', '1e-7'],
    ['0.5', '0.5', '0.5'],
    [0, '0', '0'],
    [{ total_cost: 0.006, input_tokens_cost: 0.001 }, '0.006', '0.006'],
    [{ total_cost: '0.25' }, '0.25', '0.25'],
  ])('that is %j is that amount', (cost, costUsd, text) => {
    expect(costFromUsage({ prompt_tokens: 1, cost })).toEqual({ costUsd, source: 'upstream_usage', text });
  });

  it.each([undefined, null])('that is %j is unknown', (cost) => {
    expect(costFromUsage({ cost })).toEqual(UNKNOWN_COST);
  });

  it.each<[unknown, string]>([
    [-0.1, '-0.1'],
    [1_000_001, '1000001'],
    ['free', 'free'],
    [true, 'true'],
    [[1], '[1]'],
    [{ input_tokens_cost: 1 }, '{"input_tokens_cost":1}'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NaN, 'NaN'],
  ])('that is %j is refused, with the text kept', (cost, text) => {
    expect(costFromUsage({ cost })).toEqual({ costUsd: null, source: 'refused', text });
  });

  it.each([undefined, null, 7, 'text', []])('is unknown where the usage is %j', (usage) => {
    expect(costFromUsage(usage)).toEqual(UNKNOWN_COST);
  });

  it('counts for an answer that came whole where the header says nothing', () => {
    const usage = { cost: 0.5 };

    expect(costOfAnswer(costFromHeader('0.25'), usage).costUsd).toBe('0.25');
    expect(costOfAnswer(costFromHeader(null), usage).costUsd).toBe('0.5');
    expect(costOfAnswer(costFromHeader('NaN'), usage)).toEqual({
      costUsd: null,
      source: 'refused',
      text: 'NaN',
    });
  });
});

describe('the zero with an error', () => {
  it('is unknown where a provider may have worked, with the text kept', () => {
    expect(withoutZero(costFromHeader('0.0'))).toEqual({ costUsd: null, source: 'unpriced', text: '0.0' });
    expect(withoutZero(costFromHeader('0.5'))).toEqual(costFromHeader('0.5'));
    expect(withoutZero(COST_OF_NOTHING_SENT)).toEqual(COST_OF_NOTHING_SENT);
  });
});

describe('the cost without an answer', () => {
  it('is nothing where nothing was sent, and unknown where something was', () => {
    expect(COST_OF_NOTHING_SENT).toEqual({ costUsd: '0', source: 'not_sent', text: null });
    expect(UNKNOWN_COST).toEqual({ costUsd: null, source: 'unpriced', text: null });
  });
});
