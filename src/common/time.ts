/** Years that JavaScript, Postgres and calendars of businesses agree on. */
const MIN_YEAR = 1970;
const MAX_YEAR = 9998;

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A span of time: `from` belongs to it, `to` does not. */
export interface Interval {
  readonly from: Date;
  readonly to: Date;
}

/** The start of a UTC day, from `YYYY-MM-DD`; null for a date that no calendar has. */
export function parseDay(text: string): Date | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const year = Number(match[1]);
  if (year < MIN_YEAR || year > MAX_YEAR) return null;
  const day = new Date(`${text}T00:00:00.000Z`);
  // Date rolls 30 February over into March; the round trip tells.
  return Number.isNaN(day.getTime()) || !day.toISOString().startsWith(text) ? null : day;
}

/** An ISO 8601 instant with its offset, or a day for its start in UTC; null for anything else. */
export function parseInstant(text: string): Date | null {
  const match = INSTANT.exec(text);
  if (match === null) return parseDay(text);
  if (match[1] === undefined || parseDay(match[1]) === null) return null;
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** A UTC month, from `YYYY-MM`; null for anything else. */
export function parseMonth(text: string): Interval | null {
  const from = parseDay(`${text}-01`);
  if (from === null) return null;
  return { from, to: new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1)) };
}

/** The start of the day after. */
export function nextDay(day: Date): Date {
  return new Date(day.getTime() + 86_400_000);
}

/** `YYYY-MM` of an instant, in UTC. */
export function monthOf(instant: Date): string {
  return instant.toISOString().slice(0, 7);
}

/** Whole seconds since 1970, as OpenAI's API has its times. */
export function toUnixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
