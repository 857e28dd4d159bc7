import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RequestOptions {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH';

/** Nobody in these scenarios may wait longer for an answer, whatever is broken. */
export const HANG_MS = 30_000;

/** The service did not answer, and did not close the connection either. */
export class HangError extends Error {}

/** A client that speaks HTTP and repeats nothing. */
export class HttpClient {
  private readonly agent: Agent;

  constructor(connections = 64) {
    this.agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** @throws HangError, or what the connection failed with */
  async send(
    url: string,
    key: string,
    method: Method,
    { body, headers = {} }: RequestOptions = {},
  ): Promise<Answer> {
    const signal = AbortSignal.timeout(HANG_MS);
    try {
      const response = await request(url, {
        method,
        dispatcher: this.agent,
        signal,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      return { status: response.statusCode, text, headers: response.headers, body: parse(text) };
    } catch (error) {
      if (signal.aborted) throw new HangError(`${method} ${url} was not answered.`, { cause: error });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
