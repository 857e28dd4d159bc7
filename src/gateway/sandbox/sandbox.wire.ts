import { type IncomingMessage, type ServerResponse } from 'node:http';
import { bodyTooLarge, type ErrorAnswer, invalidRequest } from './sandbox.errors.js';

export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** An answer that is ready to be written. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How much of an answer is written, and what happens then. */
export type WireEnding = 'complete' | 'hang-body' | 'cut' | 'reset-mid';

/** A body as JSON, or why it is none. */
export interface ReceivedJson {
  /** Null where the body was refused. */
  readonly body: unknown;
  readonly bytes: number;
  readonly refusal: ErrorAnswer | null;
}

/**
 * Reads a request's body to its end: JSON in UTF-8, at most {@link MAX_BODY_BYTES}. Anything else is
 * refused with 400 or 413, as a value, since a refused request is recorded like any other.
 *
 * @returns null where the client went away
 */
export async function receiveJson(request: IncomingMessage): Promise<ReceivedJson | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      // The rest is read and dropped: a client that still writes would see a reset instead of the answer.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    return null;
  }
  if (bytes > MAX_BODY_BYTES) return { body: null, bytes: 0, refusal: bodyTooLarge(MAX_BODY_BYTES) };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { body: JSON.parse(text), bytes, refusal: null };
  } catch {
    return { body: null, bytes, refusal: invalidRequest('The body is not valid JSON.', 'request_body') };
  }
}

/** Writes an answer, all of it or half of its body with the length of the whole announced. */
export function writeAnswer(response: ServerResponse, answer: WireAnswer, ending: WireEnding): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.byteLength });
  if (ending === 'complete') {
    response.end(body);
    return;
  }
  const half = body.subarray(0, Math.floor(body.byteLength / 2));
  response.write(half, () => {
    if (ending === 'cut') response.destroy();
    if (ending === 'reset-mid') response.socket?.resetAndDestroy();
  });
}

/** Ends the connection with a reset. */
export function resetConnection(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

/** A header can carry printable ASCII only, while a model's name can be any text. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}
