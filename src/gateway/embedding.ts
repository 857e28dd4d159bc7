import type { EmbeddingAnswer } from './gateway.types.js';
import { isObject } from '../common/json-object.js';
import { parseJson } from './json-value.js';

type Embedding = EmbeddingAnswer['data'][number];

/** Reads OpenAI's list of embeddings. Null if it is not one, or any of them cannot be one. */
export function parseEmbeddings(body: string): { answer: EmbeddingAnswer; rawUsage: unknown } | null {
  const list = parseJson(body);
  if (!isObject(list)) return null;
  const given: unknown = list['data'];
  if (!Array.isArray(given) || given.length === 0) return null;
  const data: Embedding[] = [];
  for (const [position, value] of given.entries()) {
    const embedding = toEmbedding(value, position);
    if (embedding === null) return null;
    data.push(embedding);
  }
  return { answer: { data }, rawUsage: list['usage'] };
}

function toEmbedding(value: unknown, position: number): Embedding | null {
  if (!isObject(value)) return null;
  const { embedding } = value;
  const given = value['index'];
  const index = Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) : position;
  if (typeof embedding === 'string') return isFloats(embedding) ? { index, embedding } : null;
  if (!Array.isArray(embedding) || embedding.length === 0) return null;
  // A number beyond what JSON can carry would reach the client as null.
  return embedding.every((number) => Number.isFinite(number)) ? { index, embedding } : null;
}

const BYTES_PER_NUMBER = 4;

/** Whether a text is base64 of whole numbers, at least one: any other one would be words of the upstream. */
function isFloats(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.length % BYTES_PER_NUMBER === 0 && bytes.toString('base64') === text;
}
