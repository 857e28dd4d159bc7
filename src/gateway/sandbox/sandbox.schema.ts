import { createHash } from 'node:crypto';
import { invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { isObject, type JsonObject } from './sandbox.json.js';
import { numberFor, stringFor } from './sandbox.schema-values.js';

/** Below this depth only what a schema requires is written, so that a schema that holds itself comes to an end. */
const FULL_DEPTH = 4;

/** A schema that requires itself has no finite value at all. */
const MAX_DEPTH = 32;

const MAX_ITEMS = 1_000;

/** What stays the same on the way down a schema. */
interface Walk {
  readonly root: unknown;
  readonly seed: unknown;
}

/**
 * A value that validates against a JSON schema, the same one for equal seeds. Understood are type, properties,
 * required, additionalProperties, items, prefixItems, enum, const, allOf, anyOf and oneOf (their first branch
 * that comes to an end), $ref within the schema, and the bounds and formats of numbers, strings and arrays.
 * `pattern`, `not` and the other words are not.
 *
 * @throws SandboxRefusal for a schema that nothing finite fits
 */
export function exampleOf(schema: unknown, seed: unknown): unknown {
  return valueOf(schema, { root: schema, seed }, '$', 0);
}

/** A number from 0 to 2^32 - 1 that differs between places of a value and between seeds. */
function pickAt({ seed }: Walk, path: string): number {
  return createHash('sha256')
    .update(JSON.stringify([seed, path]))
    .digest()
    .readUInt32BE();
}

function valueOf(schema: unknown, walk: Walk, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw unusable('The schema has no finite value.');
  if (schema === false) throw unusable('The schema allows no value.');
  if (!isObject(schema)) return 'sandbox';
  const { $ref: reference, const: constant, enum: choices } = schema;
  if (typeof reference === 'string') return valueOf(resolve(reference, walk.root), walk, path, depth + 1);
  if (constant !== undefined) return constant;
  if (Array.isArray(choices) && choices.length > 0) {
    return choices[pickAt(walk, path) % choices.length] as unknown;
  }
  const branches = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(branches)) return branchOf(schema, branches, walk, path, depth);
  if (Array.isArray(schema['allOf'])) return valueOf(mergeAll(schema, walk.root), walk, path, depth + 1);
  return typedValue(schema, walk, path, depth);
}

function typedValue(schema: JsonObject, walk: Walk, path: string, depth: number): unknown {
  switch (typeOf(schema)) {
    case 'object':
      return objectOf(schema, walk, path, depth);
    case 'array':
      return arrayOf(schema, walk, path, depth);
    case 'number':
      return numberFor(schema, pickAt(walk, path), false);
    case 'integer':
      return numberFor(schema, pickAt(walk, path), true);
    case 'boolean':
      return pickAt(walk, path) % 2 === 0;
    case 'null':
      return null;
    default:
      return stringFor(schema, pickAt(walk, path));
  }
}

/** The type that is written: the first one that is not null, or what the other words of the schema are about. */
function typeOf(schema: JsonObject): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return (type as unknown[]).find((name) => name !== 'null') ?? 'null';
  if (type !== undefined) return type;
  if (['properties', 'required', 'additionalProperties'].some((name) => name in schema)) return 'object';
  if (['items', 'prefixItems', 'minItems', 'maxItems'].some((name) => name in schema)) return 'array';
  return ['minimum', 'maximum', 'multipleOf'].some((name) => name in schema) ? 'number' : 'string';
}

function objectOf(schema: JsonObject, walk: Walk, path: string, depth: number): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : [];
  const names = depth < FULL_DEPTH ? [...new Set([...Object.keys(properties), ...required])] : required;
  const others = schema['additionalProperties'];
  const entries = names.map((name): [string, unknown] => {
    const member = Object.hasOwn(properties, name) ? properties[name] : others;
    return [name, valueOf(member, walk, `${path}.${name}`, depth + 1)];
  });
  return Object.fromEntries(entries);
}

function arrayOf(schema: JsonObject, walk: Walk, path: string, depth: number): unknown[] {
  const first = Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as unknown[]) : [];
  const least = Math.max(countIn(schema, 'minItems', 0), Math.min(first.length, MAX_ITEMS));
  const wished = depth < FULL_DEPTH ? Math.max(least, schema['items'] === false ? 0 : 1) : least;
  const length = Math.min(wished, countIn(schema, 'maxItems', wished));
  if (length > MAX_ITEMS) throw unusable(`The schema asks for more than ${MAX_ITEMS} items.`);
  return Array.from({ length }, (_, index) => {
    const member = index < first.length ? first[index] : schema['items'];
    return valueOf(member, walk, `${path}[${index}]`, depth + 1);
  });
}

/** The first branch; deep inside a schema that may hold itself, the first one that comes to an end. */
function branchOf(
  schema: JsonObject,
  branches: readonly unknown[],
  walk: Walk,
  path: string,
  depth: number,
): unknown {
  const rest = Object.fromEntries(
    Object.entries(schema).filter(([name]) => name !== 'anyOf' && name !== 'oneOf'),
  );
  let failure: unknown = unusable('The schema offers no branch.');
  for (const branch of branches) {
    const whole = mergeTwo(rest, expand(branch, walk.root));
    try {
      return valueOf(whole, walk, path, depth + 1);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** One schema for all that a value must fit at once, as far as it is about members and single words. */
function mergeAll(schema: JsonObject, root: unknown): JsonObject {
  const rest = Object.fromEntries(Object.entries(schema).filter(([name]) => name !== 'allOf'));
  return (schema['allOf'] as unknown[]).map((part) => expand(part, root)).reduce(mergeTwo, rest);
}

function mergeTwo(one: JsonObject, other: JsonObject): JsonObject {
  const merged: JsonObject = { ...one, ...other };
  if (isObject(one['properties']) && isObject(other['properties'])) {
    merged['properties'] = { ...one['properties'], ...other['properties'] };
  }
  if (Array.isArray(one['required']) && Array.isArray(other['required'])) {
    merged['required'] = [
      ...new Set([...(one['required'] as unknown[]), ...(other['required'] as unknown[])]),
    ];
  }
  return merged;
}

function expand(schema: unknown, root: unknown, depth = 0): JsonObject {
  if (!isObject(schema)) return {};
  const { $ref: reference, ...rest } = schema;
  if (typeof reference !== 'string') return schema;
  if (depth > MAX_DEPTH) throw unusable('The schema has no finite value.');
  return mergeTwo(rest, expand(resolve(reference, root), root, depth + 1));
}

/** A JSON pointer behind `#`; other documents are not fetched. */
function resolve(reference: string, root: unknown): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) throw unusable(`Unknown $ref "${reference}".`);
  const names = reference.split('/').slice(1);
  let found: unknown = root;
  for (const name of names) {
    const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  if (found === undefined) throw unusable(`Unknown $ref "${reference}".`);
  return found;
}

function countIn(schema: JsonObject, name: string, otherwise: number): number {
  const count = schema[name];
  return typeof count === 'number' ? count : otherwise;
}

function unusable(message: string): SandboxRefusal {
  return new SandboxRefusal(invalidRequest(message, 'schema'));
}
