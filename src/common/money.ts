import { Decimal } from 'decimal.js';

/** Digits behind the point of every USD amount, as in `numeric(24,12)`. */
const USD_SCALE = 12;

/** Above this an amount for one call is a fault of whoever reported it. */
const MAX_CALL_COST_USD = new Decimal(1_000_000);

const Usd = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_HALF_UP });

/**
 * A cost as an upstream wrote it, rounded half up to 12 decimals.
 *
 * @returns decimal text, or null where the text is no amount that a call can cost: not a number,
 * negative, infinite or absurdly large. Null means unknown, never free.
 */
export function parseCostUsd(text: string): string | null {
  if (!/^\d{1,20}(\.\d{1,60})?([eE][+-]?\d{1,3})?$/.test(text)) return null;
  const amount = new Usd(text);
  return amount.gt(MAX_CALL_COST_USD) ? null : amount.toDecimalPlaces(USD_SCALE).toFixed();
}

/** The sum of decimal texts, as decimal text. */
export function sumUsd(amounts: readonly string[]): string {
  return amounts.reduce((total, amount) => total.plus(amount), new Usd(0)).toFixed();
}

/** `total` divided by `count`, rounded half up to 12 decimals; 0 for nothing. */
export function averageUsd(total: string, count: number): string {
  return count === 0 ? '0' : new Usd(total).div(count).toDecimalPlaces(USD_SCALE).toFixed();
}

/** A number of a request, as decimal text; see `IsUsd` for what such a number can be. */
export function fromJsonNumber(amount: number): string {
  return new Usd(amount).toFixed();
}

/** Whether two decimal texts, or their absence, are the same amount: `0.5` and `0.500000000000` are. */
export function isSameUsd(left: string | null, right: string | null): boolean {
  return left === null || right === null ? left === right : new Usd(left).eq(right);
}

/** Whether an amount has no more decimals than are kept. */
export function fitsUsdScale(amount: number): boolean {
  return Number.isFinite(amount) && new Usd(amount).decimalPlaces() <= USD_SCALE;
}

/** Only at the JSON edge: everywhere else an amount stays decimal text. */
export function toJsonNumber(amount: string): number {
  return Number(amount);
}
