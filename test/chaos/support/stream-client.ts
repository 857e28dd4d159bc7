import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** What a client has of a request, whether it stayed or not. */
export interface Heard {
  /** Null if the client left before there was any, or the connection broke. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As far as it was read. */
  readonly text: string;
  /** `late`: the time was over first. */
  readonly end: 'read' | 'left' | 'late' | 'lost';
}

/** When a client goes away by itself: after so many reads of the answer, or so long after asking. */
export type Leave = { readonly kind: 'reads' | 'ms'; readonly count: number };

export interface StreamRequest {
  readonly url: string;
  readonly key: string;
  readonly body: object;
  readonly leave: Leave | null;
  /** The longest that the client would wait for the end of the answer. */
  readonly deadlineMs: number;
}

/** A client that reads answers as they come, and may leave in the middle of one. */
export class StreamClient {
  private readonly agent = new Agent({ connections: 512, headersTimeout: 0, bodyTimeout: 0 });

  /** Never throws. */
  async ask({ url, key, body, leave, deadlineMs }: StreamRequest): Promise<Heard> {
    const leaving = new AbortController();
    const deadline = AbortSignal.timeout(deadlineMs);
    if (leave?.kind === 'ms') {
      void sleep(leave.count).then(() => {
        leaving.abort();
      });
    }
    const heard = { status: null as number | null, headers: {} as Heard['headers'], text: '' };
    try {
      const response = await request(url, {
        method: 'POST',
        dispatcher: this.agent,
        signal: AbortSignal.any([leaving.signal, deadline]),
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      heard.status = response.statusCode;
      heard.headers = response.headers;
      const decoder = new TextDecoder();
      let reads = 0;
      for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
        heard.text += decoder.decode(bytes, { stream: true });
        reads += 1;
        if (leave?.kind === 'reads' && reads >= leave.count) leaving.abort();
      }
      return { ...heard, end: 'read' };
    } catch {
      return { ...heard, end: leaving.signal.aborted ? 'left' : deadline.aborted ? 'late' : 'lost' };
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}
