// The contract under test, and the places in it that the checks look at.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Another document may be named, so that a check can be tried on one that is broken on purpose. */
export const DOCUMENT_FILE = resolve(
  process.env.CONTRACT_DOCUMENT ?? resolve(import.meta.dirname, '../../openapi.json'),
);

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

export function readDocument(file = DOCUMENT_FILE) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** A step of a JSON pointer. */
function escaped(step) {
  return String(step).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The pointer of something inside what `pointer` points to. */
export function below(pointer, ...steps) {
  return [pointer, ...steps.map(escaped)].join('/');
}

/** What a pointer points to, with references followed, and the pointer that was reached in the end. */
export function dereference(document, pointer) {
  const value = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((inner, step) => inner?.[step], document);
  if (value === undefined) throw new Error(`Nothing is at ${pointer}.`);
  return typeof value.$ref === 'string' ? dereference(document, value.$ref.slice(1)) : { value, pointer };
}

/** Every operation with its pointer. */
export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({
      name: item[method].operationId ?? `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      operation: item[method],
      pointer: below('/paths', path, method),
      pathPointer: below('/paths', path),
    })),
  );
}
