import { contract, readFrames } from './contract.js';
import { MASTER_KEY, type TestService } from './service.js';

/** What a test looks at in a frame. */
export interface Frame {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  /** None in the frame of an error. */
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string;
      readonly reasoning_content?: string;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly function: { readonly name?: string; readonly arguments?: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  readonly job?: { status: string; costs: Record<string, unknown> };
  readonly schema_miss?: string;
  readonly error?: { message: string; type: string; code: string };
}

/** An answer of which nothing has been read but its head. */
export interface OpenedAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Waits for the next piece, as it comes; null at the end. */
  next(): Promise<string | null>;
  /** All that is left, held against the contract. */
  text(): Promise<string>;
  /** Goes away without reading the rest. */
  leave(): void;
}

/** Asks for a stream. @param options.key the admin's when left out */
export async function openStream(
  service: TestService,
  path: string,
  options: { key?: string; body: object; headers?: Readonly<Record<string, string>> },
): Promise<OpenedAnswer> {
  const { key = MASTER_KEY, body, headers = {} } = options;
  const leaving = new AbortController();
  const answer = await fetch(`${service.baseUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
    signal: leaving.signal,
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let read = '';
  const next = async (): Promise<string | null> => {
    const { done, value } = await reader.read();
    if (done) return null;
    read += value;
    return value;
  };
  return {
    status: answer.status,
    headers: answer.headers,
    next,
    text: async () => {
      while ((await next()) !== null);
      const contentType = answer.headers.get('content-type') ?? '';
      const problem = contract.findProblem('post', path, { status: answer.status, contentType, text: read });
      if (problem !== null) throw new Error(`The answer is not what openapi.json says. ${problem}`);
      return read;
    },
    leave: () => {
      leaving.abort();
    },
  };
}

/** The frames of a stream, without the mark of its end. */
export function framesOf(text: string): Frame[] {
  return readFrames(text) as Frame[];
}

/** The content of one choice, put together. */
export function contentOf(frames: readonly Frame[], index = 0): string {
  return frames
    .flatMap((frame) => frame.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '')
    .join('');
}
