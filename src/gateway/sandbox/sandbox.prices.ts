import { Decimal } from 'decimal.js';

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
]);

export const OTHER_MODEL_PRICE: SandboxPrice = { inputUsdPerMillion: '1', outputUsdPerMillion: '2' };

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
