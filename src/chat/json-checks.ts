/** Text without half a surrogate pair, which no upstream can be sent. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

/** Text of 1 to `max` characters, counted in code points. */
export function isTextWithin(value: unknown, max: number): value is string {
  return isText(value) && value !== '' && (value.length <= max || Array.from(value).length <= max);
}

/** Null counts as not given, everywhere in a request. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** The first field that is not allowed; null if there is none. */
export function findOtherField(value: Record<string, unknown>, allowed: ReadonlySet<string>): string | null {
  for (const field in value) if (!allowed.has(field)) return field;
  return null;
}

/** Whether all texts of a JSON value, its keys included, can be sent. Bodies are at most 64 levels deep. */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && isWellFormed(item));
}

const NOT_OF_BASE64 = /[^A-Za-z0-9+/]/g;

/**
 * Whether a text is padded base64 from a position on. Sounds and pictures have megabytes: one search for
 * a character that does not belong, without going back and without a copy.
 */
export function isBase64(text: string, start = 0): boolean {
  const length = text.length - start;
  if (length === 0 || length % 4 !== 0) return false;
  NOT_OF_BASE64.lastIndex = start;
  const end = NOT_OF_BASE64.exec(text)?.index ?? text.length;
  return end >= text.length - 2 && text.endsWith('='.repeat(text.length - end));
}

/** A text in an error message: what the client sent, cut short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
