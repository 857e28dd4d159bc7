import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { openJournal } from './sandbox.journal.js';
import { type SandboxServed, ServedRecord, type ServedTokens } from './sandbox.record.js';
import { type SandboxState, serve } from './sandbox.routes.js';

export interface SandboxOptions {
  /** The address to listen on; 127.0.0.1 unless told. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** When given, any other bearer key gets LiteLLM's 401 `auth_error`. */
  readonly apiKey?: string;
  /** Put on every answer, over headers of the same name. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** A file to which every request and every bill is added, for an account that outlives the process. */
  readonly journalFile?: string;
}

export interface Sandbox {
  /** For example `http://127.0.0.1:41231`, without `/v1`. */
  readonly baseUrl: string;
  readonly port: number;
  /** Requests for completions and embeddings, refused ones too; newest last, at most the last 1,000. */
  readonly served: readonly SandboxServed[];
  /** How many such requests came in since the start or the last reset; with a model, those that named it. */
  servedCount(model?: string): number;
  /** The tokens of all answers that were sent, in whole or in part: what a provider would bill. */
  servedTokens(): ServedTokens;
  /** Streams that are being written or hang at this moment. */
  openStreams(): number;
  /** Forgets what was served, and lets every `fault-first-…` and `fault-rotate-…` begin again. */
  reset(): void;
  /** Closes the server and every connection, hanging ones too. A second call waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts an offline OpenAI-shaped upstream that answers as a LiteLLM proxy does.
 *
 * @throws the system's error, with `code` such as EADDRINUSE, where it cannot listen
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0, apiKey = null, answerHeaders = {}, journalFile } = options;
  const journal = journalFile === undefined ? null : openJournal(journalFile);
  const state: SandboxState = {
    apiKey,
    // One spelling of a name, so that such a header replaces ours instead of being sent beside it.
    answerHeaders: Object.fromEntries(
      Object.entries(answerHeaders).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    record: new ServedRecord(journal),
    turns: new Map(),
    openStreams: new Set(),
    baseUrl: '',
  };
  const pending = new Set<Promise<void>>();
  // A client keeps its connections for a while: a server that closes them first makes the next request fail.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const serving = serve(request, response, state).finally(() => pending.delete(serving));
    pending.add(serving);
  });
  server.listen({ host, port });
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  state.baseUrl = `http://${isIPv6(host) ? `[${host}]` : host}:${address.port}`;

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    // A handler that outlives its server would, for instance, still load the tokenizer after a test's end.
    await Promise.all([closed, ...pending]);
    journal?.close();
  };
  return {
    baseUrl: state.baseUrl,
    port: address.port,
    served: state.record.served,
    servedCount: (model) => state.record.count(model),
    servedTokens: () => state.record.tokens(),
    openStreams: () => state.openStreams.size,
    reset: () => {
      state.record.clear();
      state.turns.clear();
    },
    stop: () => (stopped ??= stop()),
  };
}
