export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number as JSON writes it. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The types of the standard library do not know this yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/**
 * A value that JSON.stringify writes as the number that the text says, digit for digit; as a string where
 * the text is no number. A cost must neither be rounded nor get an exponent on its way through a double.
 */
export function exactNumber(text: string): unknown {
  return NUMBER.test(text) ? rawJSON(text) : text;
}
