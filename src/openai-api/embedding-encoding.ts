import type { EncodingFormat } from './dto/embeddings.request.js';

const BYTES_PER_NUMBER = 4;

/**
 * A vector in the form that was asked for, whichever the upstream has given: not every model heeds the
 * wish. In base64 it is 32-bit floats, little-endian, as OpenAI has it.
 */
export function encodeEmbedding(
  embedding: readonly number[] | string,
  format: EncodingFormat,
): number[] | string {
  switch (format) {
    case 'base64':
      return typeof embedding === 'string' ? embedding : toBase64(embedding);
    case 'float':
      return typeof embedding === 'string' ? toNumbers(embedding) : [...embedding];
  }
}

function toBase64(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * BYTES_PER_NUMBER);
  for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * BYTES_PER_NUMBER);
  return bytes.toString('base64');
}

function toNumbers(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  const count = Math.floor(bytes.length / BYTES_PER_NUMBER);
  return Array.from({ length: count }, (_, index) => bytes.readFloatLE(index * BYTES_PER_NUMBER));
}
