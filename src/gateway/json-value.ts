import { isObject, type JsonObject } from '../common/json-object.js';

/** Undefined where the text is no JSON, since null is. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** An empty object where there is none, so that its fields can be asked for. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
