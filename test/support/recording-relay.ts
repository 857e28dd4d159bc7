import { once } from 'node:events';
import { createServer, request as send } from 'node:http';

/** One request of a client and its answer, as they went over the wire. */
export interface RelayedRequest {
  readonly method: string;
  readonly path: string;
  /** What the client said who it is. */
  readonly key: string;
  /** The model that the body names; null if it names none. */
  readonly model: string | null;
  /** Null if the client left before there was one. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, unknown>>;
  /** As far as the client has read it. */
  readonly text: string;
}

export interface RecordingRelay {
  readonly baseUrl: string;
  /** In the order in which they came. */
  readonly requests: readonly RelayedRequest[];
  stop(): Promise<void>;
}

/**
 * Stands between a client and a server and changes nothing: bytes go on as they come, in both directions, and a
 * client that leaves leaves the server. So tests can count what clients send, retries too, and see all they are told.
 */
export async function startRecordingRelay(target: string): Promise<RecordingRelay> {
  const requests: RelayedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const path = incoming.url ?? '';
      const record: { -readonly [Key in keyof RelayedRequest]: RelayedRequest[Key] } = {
        method: incoming.method ?? '',
        path,
        key: (incoming.headers.authorization ?? '').replace(/^Bearer /, ''),
        model: modelOf(body),
        status: null,
        headers: {},
        text: '',
      };
      requests.push(record);
      const { method, headers } = incoming;
      const passed = send(target + path, { method: method ?? 'GET', headers, agent: false }, (answer) => {
        record.status = answer.statusCode ?? null;
        record.headers = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.on('data', (chunk: Buffer) => (record.text += chunk.toString('latin1')));
        answer.on('error', () => outgoing.destroy());
        answer.pipe(outgoing);
      });
      passed.on('error', () => outgoing.destroy());
      outgoing.on('close', () => passed.destroy());
      passed.end(body);
    })().catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function modelOf(body: Buffer): string | null {
  if (body.length === 0) return null;
  const { model } = JSON.parse(body.toString()) as { model?: unknown };
  return typeof model === 'string' ? model : null;
}
