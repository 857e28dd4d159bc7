import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { answerChat, type ChatCall, refuseChat } from './sandbox.chat.js';
import {
  type ErrorAnswer,
  internalFailure,
  proxyAuthError,
  SandboxRefusal,
  unknownRoute,
} from './sandbox.errors.js';
import { SANDBOX_PRICES } from './sandbox.prices.js';
import { recordedHeaders, type SandboxServed, ServedRecord } from './sandbox.record.js';
import { modelOf } from './sandbox.request.js';
import {
  receiveJson,
  resetConnection,
  type WireAnswer,
  type WireEnding,
  writeAnswer,
} from './sandbox.wire.js';

export interface SandboxOptions {
  /** The address to listen on; 127.0.0.1 unless told. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** When given, any other bearer key gets LiteLLM's 401 `auth_error`. */
  readonly apiKey?: string;
  /** Put on every answer, over headers of the same name. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
}

export interface Sandbox {
  /** For example `http://127.0.0.1:41231`, without `/v1`. */
  readonly baseUrl: string;
  readonly port: number;
  /** Requests for completions, refused ones too; newest last, at most the last 1,000. */
  readonly served: readonly SandboxServed[];
  /** How many such requests came in since the start or the last reset; with a model, those that named it. */
  servedCount(model?: string): number;
  /** Forgets what was served, and lets every `fault-first-…` begin again. */
  reset(): void;
  /** Closes the server and every connection, hanging ones too. A second call waits for the same end. */
  stop(): Promise<void>;
}

interface SandboxState {
  readonly apiKey: string | null;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly record: ServedRecord;
  /** Requests with a `first` fault so far, by the model's name. */
  readonly firstFaults: Map<string, number>;
  baseUrl: string;
}

type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  state: SandboxState,
) => Promise<void> | void;

const JSON_HEADERS = { 'content-type': 'application/json' };

/** The moment that OpenAI's own list gives for its oldest chat model; clients only want a number here. */
const MODELS_CREATED_SECONDS = 1_677_610_602;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['POST /v1/chat/completions', serveChat],
  ['POST /chat/completions', serveChat],
  ['GET /v1/models', serveModels],
  [
    'GET /health/liveliness',
    (_, response, state) => {
      sendJson(response, state, "I'm alive!");
    },
  ],
  [
    'GET /health/readiness',
    (_, response, state) => {
      sendJson(response, state, { status: 'healthy' });
    },
  ],
  ['GET /sandbox/stats', serveStats],
]);

/**
 * Starts an offline OpenAI-shaped upstream that answers as a LiteLLM proxy does.
 *
 * @throws the system's error, with `code` such as EADDRINUSE, where it cannot listen
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0, apiKey = null, answerHeaders = {} } = options;
  const state: SandboxState = {
    apiKey,
    // One spelling of a name, so that such a header replaces ours instead of being sent beside it.
    answerHeaders: Object.fromEntries(
      Object.entries(answerHeaders).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    record: new ServedRecord(),
    firstFaults: new Map(),
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
  };
  return {
    baseUrl: state.baseUrl,
    port: address.port,
    served: state.record.served,
    servedCount: (model) => state.record.count(model),
    reset: () => {
      state.record.clear();
      state.firstFaults.clear();
    },
    stop: () => (stopped ??= stop()),
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, state: SandboxState): Promise<void> {
  const method = request.method ?? '';
  const path = pathOf(request);
  try {
    const route = ROUTES.get(`${method} ${path}`);
    if (route === undefined) throw new SandboxRefusal(unknownRoute(method, path));
    await route(request, response, state);
  } catch (error) {
    const answer = error instanceof SandboxRefusal ? error.answer : internalFailure(error);
    const { status, body } = answer;
    if (response.headersSent || response.destroyed) response.destroy();
    else send(response, state, { status, headers: JSON_HEADERS, body: JSON.stringify(body) });
  }
}

async function serveChat(
  request: IncomingMessage,
  response: ServerResponse,
  state: SandboxState,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const received = await receiveJson(request);
  if (received === null) return;
  const entry: SandboxServed = {
    model: modelOf(received.body),
    path: pathOf(request),
    headers: recordedHeaders(request.headers),
    body: received.body,
    status: null,
  };
  state.record.add(entry, received.bytes);
  const call: ChatCall = {
    body: received.body,
    headers: request.headers,
    baseUrl: state.baseUrl,
    firstFaults: state.firstFaults,
    signal: gone.signal,
  };
  const refusal = keyRefusal(request, state) ?? received.refusal;
  const outcome = refusal === null ? await answerChat(call) : refuseChat(call, refusal);
  if (response.destroyed || outcome.kind === 'silence') return;
  if (outcome.kind === 'reset') {
    resetConnection(request);
    return;
  }
  entry.status = outcome.answer.status;
  send(response, state, outcome.answer, outcome.ending);
}

function serveModels(request: IncomingMessage, response: ServerResponse, state: SandboxState): void {
  const refusal = keyRefusal(request, state);
  if (refusal !== null) throw new SandboxRefusal(refusal);
  const data = [...SANDBOX_PRICES.keys()].map((id) => ({
    id,
    object: 'model',
    created: MODELS_CREATED_SECONDS,
    owned_by: 'sandbox',
  }));
  sendJson(response, state, { object: 'list', data });
}

/** `total` also counts requests that name no model; `by_model` cannot. */
function serveStats(_: IncomingMessage, response: ServerResponse, state: SandboxState): void {
  sendJson(response, state, { total: state.record.count(), by_model: state.record.countsByModel() });
}

function keyRefusal(request: IncomingMessage, { apiKey }: SandboxState): ErrorAnswer | null {
  if (apiKey === null) return null;
  const key = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
  return key === apiKey ? null : proxyAuthError(key);
}

function sendJson(response: ServerResponse, state: SandboxState, body: unknown): void {
  send(response, state, { status: 200, headers: JSON_HEADERS, body: JSON.stringify(body) });
}

function send(
  response: ServerResponse,
  { answerHeaders }: SandboxState,
  answer: WireAnswer,
  ending: WireEnding = 'complete',
): void {
  writeAnswer(response, { ...answer, headers: { ...answer.headers, ...answerHeaders } }, ending);
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}
