import { Decimal } from 'decimal.js';
import { type TokenBuckets } from './sandbox.usage-shapes.js';

/** USD for a million tokens, as decimal text. */
export interface SandboxPrice {
  readonly inputUsdPerMillion: string;
  readonly outputUsdPerMillion: string;
}

/** The models that the sandbox lists. Any other name is accepted too, at {@link OTHER_MODEL_PRICE}. */
export const SANDBOX_PRICES: ReadonlyMap<string, SandboxPrice> = new Map([
  ['gpt-3.5-turbo', { inputUsdPerMillion: '0.50', outputUsdPerMillion: '1.50' }],
  ['gpt-4o-mini', { inputUsdPerMillion: '0.15', outputUsdPerMillion: '0.60' }],
  ['gpt-4o', { inputUsdPerMillion: '2.50', outputUsdPerMillion: '10' }],
  ['gpt-4', { inputUsdPerMillion: '30', outputUsdPerMillion: '60' }],
  ['gpt-4-turbo', { inputUsdPerMillion: '10', outputUsdPerMillion: '30' }],
  ['claude-3-5-haiku', { inputUsdPerMillion: '0.80', outputUsdPerMillion: '4' }],
  ['claude-3-5-sonnet', { inputUsdPerMillion: '3', outputUsdPerMillion: '15' }],
  ['text-embedding-3-small', { inputUsdPerMillion: '0.02', outputUsdPerMillion: '0' }],
  ['text-embedding-3-large', { inputUsdPerMillion: '0.13', outputUsdPerMillion: '0' }],
]);

const OTHER_MODEL_PRICE: SandboxPrice = { inputUsdPerMillion: '1', outputUsdPerMillion: '2' };

/** USD for a million tokens of each kind: the price of every fixed usage, whatever the model is called. */
const BUCKET_USD_PER_MILLION: Readonly<Record<keyof TokenBuckets, string>> = {
  uncachedInput: '1',
  cacheRead: '0.1',
  cacheWrite: '1.25',
  audioInput: '10',
  imageInput: '1.5',
  output: '2',
  reasoning: '2',
  audioOutput: '20',
};

/** Wide enough that a price times any count of tokens is exact: the default 20 digits would round. */
const Usd = Decimal.clone({ precision: 60 });

/**
 * What a completion costs.
 *
 * @returns USD as plain decimal text, exact, without an exponent
 */
export function costUsdOf(model: string, promptTokens: number, completionTokens: number): string {
  const price = SANDBOX_PRICES.get(model) ?? OTHER_MODEL_PRICE;
  return new Usd(price.inputUsdPerMillion)
    .times(promptTokens)
    .plus(new Usd(price.outputUsdPerMillion).times(completionTokens))
    .div(1_000_000)
    .toFixed();
}

/** What tokens of several kinds cost, as {@link costUsdOf} writes it. */
export function costUsdOfBuckets(tokens: TokenBuckets): string {
  return (Object.keys(BUCKET_USD_PER_MILLION) as (keyof TokenBuckets)[])
    .reduce((sum, kind) => sum.plus(new Usd(BUCKET_USD_PER_MILLION[kind]).times(tokens[kind])), new Usd(0))
    .div(1_000_000)
    .toFixed();
}
