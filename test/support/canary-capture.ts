import { request } from 'node:http';

/** Every byte of an answer that a client can see. */
export interface CapturedAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly statusMessage: string;
  /** Names and values as they were written. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Status and headers of answers before the answer. */
  readonly interim: readonly string[];
}

export interface CapturedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
  /** Whether the client goes away once it has read the first piece of the body. */
  readonly isLeaving?: boolean;
}

/** Makes a request on a connection of its own. */
export function capture(baseUrl: string, asked: CapturedRequest): Promise<CapturedAnswer> {
  const { method, path, headers = {}, body, isLeaving = false } = asked;
  const interim: string[] = [];
  return new Promise((resolve, reject) => {
    const sent = request(
      `${baseUrl}${path}`,
      {
        method,
        agent: false,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        const pieces: Buffer[] = [];
        const finish = (): void => {
          resolve({
            method,
            path,
            status: response.statusCode ?? 0,
            statusMessage: response.statusMessage ?? '',
            headers: response.rawHeaders,
            body: Buffer.concat(pieces).toString(),
            trailers: response.rawTrailers,
            interim,
          });
        };
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          if (!isLeaving) return;
          sent.destroy();
          finish();
        });
        response.on('end', finish);
        response.on('error', reject);
      },
    );
    sent.on('information', (info) => interim.push(info.statusMessage, ...info.rawHeaders));
    sent.on('error', reject);
    if (body === undefined) sent.end();
    else sent.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export function headerOf(answer: CapturedAnswer, name: string): string | null {
  const at = answer.headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? null : (answer.headers[at + 1] ?? null);
}
