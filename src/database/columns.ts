import type { ColumnOptions } from 'typeorm';

/** Postgres hands bigint over as text; what is beyond a double's whole numbers is refused, not rounded. */
const safeInteger = {
  to: (value: number | null | undefined): number | null | undefined => value,
  from: (value: string | null): number | null => (value === null ? null : toSafeInteger(value)),
};

/** A bigint as a JavaScript number. @throws RangeError where a double could not hold it exactly */
export function toSafeInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond the integers JSON can carry`);
  return number;
}

/** Credits, tokens and counts. */
export const BIGINT = { type: 'bigint', transformer: safeInteger } as const satisfies ColumnOptions;

/** An id that a caller chose. */
export const IDENTIFIER = { type: 'varchar', length: 128 } as const satisfies ColumnOptions;

/** An instant, in the milliseconds that JSON shows. */
export const TIMESTAMP = { type: 'timestamptz', precision: 3 } as const satisfies ColumnOptions;

/** USD; stays decimal text in JavaScript. */
export const USD = { type: 'numeric', precision: 24, scale: 12 } as const satisfies ColumnOptions;

/** Texts of the code's own as the list in `IN (…)`; never what a caller sent. */
export function quoted(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ');
}
