import { type FaultPlan } from './sandbox.faults.js';
import { isObject } from './sandbox.json.js';
import { type ResponseFormat } from './sandbox.response-format.js';
import { exampleOf } from './sandbox.schema.js';
import { composeText, textOfWords } from './sandbox.text.js';

/** Words of a chunk with content, so that a chunk has a few tokens. */
export const WORDS_PER_CHUNK = 3;

/** What the content of a choice depends on. */
export interface ContentSource {
  readonly lastUserText: string | null;
  readonly toolText: string | null;
  readonly model: string;
  readonly seed: unknown;
  /** Which of the choices it is. */
  readonly index: number;
  readonly format: ResponseFormat;
  readonly faults: Pick<FaultPlan, 'chunks' | 'schema'>;
}

/** The text of a choice before any limit: prose, or the JSON that was asked for. Choices differ. */
export function contentOf(source: ContentSource): string {
  const { format, faults } = source;
  if (format.kind === 'text') {
    const text = proseOf(source);
    return faults.chunks === null ? text : textOfWords(text, faults.chunks * WORDS_PER_CHUNK);
  }
  if (faults.schema === 'broken') return `{"answer": ${proseOf(source)}`;
  if (faults.schema === 'missed') return JSON.stringify(missedValue(format));
  const { seed, index } = source;
  if (format.kind !== 'json-schema') return JSON.stringify({ source: 'sandbox', answer: proseOf(source) });
  return JSON.stringify(exampleOf(format.schema, index === 0 ? seed : [seed, index]));
}

/** Texts are chosen from pools, so that two seeds can give the same one: such a choice takes the next seed. */
function proseOf({ lastUserText, toolText, model, seed, index }: ContentSource): string {
  const compose = (salt: number): string =>
    composeText({ lastUserText, toolText, model, seed: salt === 0 ? seed : [seed, salt] });
  const texts = new Set<string>();
  for (let salt = 0; texts.size <= index; salt++) texts.add(compose(salt));
  return [...texts][index] ?? '';
}

/** JSON that does not fit: an object without what is required, or another type where nothing is. */
function missedValue(format: ResponseFormat): unknown {
  const schema = format.kind === 'json-schema' && isObject(format.schema) ? format.schema : {};
  const required = Array.isArray(schema['required']) ? schema['required'].length : 0;
  const isClosed = schema['additionalProperties'] === false;
  const isObjectMissed = schema['type'] !== 'object' || required > 0 || isClosed;
  return isObjectMissed ? { unexpected: 'This is not what was asked for.' } : ['unexpected'];
}
