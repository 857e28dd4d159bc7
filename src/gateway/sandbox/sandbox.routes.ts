import { type IncomingMessage, type ServerResponse } from 'node:http';
import {
  answerCall,
  type CallOutcome,
  type ReadCall,
  refuseCall,
  type SandboxCall,
} from './sandbox.calls.js';
import { readChat } from './sandbox.chat.js';
import { readEmbeddings } from './sandbox.embeddings.js';
import {
  type ErrorAnswer,
  internalFailure,
  proxyAuthError,
  SandboxRefusal,
  unknownRoute,
} from './sandbox.errors.js';
import { SANDBOX_PRICES } from './sandbox.prices.js';
import { recordedHeaders, type SandboxServed, type ServedRecord } from './sandbox.record.js';
import { modelOf } from './sandbox.request.js';
import { writeStream } from './sandbox.stream-wire.js';
import {
  receiveJson,
  resetConnection,
  type WireAnswer,
  type WireEnding,
  writeAnswer,
} from './sandbox.wire.js';

/** What lives as long as a server. */
export interface SandboxState {
  readonly apiKey: string | null;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly record: ServedRecord;
  /** See {@link SandboxCall.turns}. */
  readonly turns: Map<string, number>;
  readonly openStreams: Set<ServerResponse>;
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

const serveChat = modelRoute(readChat);
const serveEmbeddings = modelRoute(readEmbeddings);

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['POST /v1/chat/completions', serveChat],
  ['POST /chat/completions', serveChat],
  ['POST /v1/embeddings', serveEmbeddings],
  ['POST /embeddings', serveEmbeddings],
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

export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  state: SandboxState,
): Promise<void> {
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

/** A route on which a model answers: recorded, with faults, and billed. */
function modelRoute(read: (call: SandboxCall) => ReadCall): Route {
  return async (request, response, state) => {
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
    const call: SandboxCall = {
      body: received.body,
      headers: request.headers,
      baseUrl: state.baseUrl,
      turns: state.turns,
      signal: gone.signal,
    };
    const refusal = keyRefusal(request, state) ?? received.refusal;
    const outcome = refusal === null ? await answerCall(call, () => read(call)) : refuseCall(call, refusal);
    if (!response.destroyed) await writeOutcome({ request, response, state, entry }, outcome, gone.signal);
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly state: SandboxState;
  readonly entry: SandboxServed;
}

async function writeOutcome(exchange: Exchange, outcome: CallOutcome, signal: AbortSignal): Promise<void> {
  const { request, response, state, entry } = exchange;
  switch (outcome.kind) {
    case 'silence':
      return;
    case 'reset':
      resetConnection(request);
      return;
    case 'answer':
      state.record.answered(entry, outcome.answer.status);
      if (outcome.bill !== null) state.record.billed(entry, outcome.bill);
      send(response, state, outcome.answer, outcome.ending);
      return;
    case 'stream':
      await writeStreamOutcome(exchange, outcome, signal);
  }
}

/** A stream is billed as a whole with its first frame: a provider does not take back what it has begun. */
async function writeStreamOutcome(
  { request, response, state, entry }: Exchange,
  { stream, bill }: Extract<CallOutcome, { kind: 'stream' }>,
  signal: AbortSignal,
): Promise<void> {
  const headers = { ...stream.headers, ...state.answerHeaders };
  state.openStreams.add(response);
  response.once('close', () => state.openStreams.delete(response));
  try {
    await writeStream(request, response, { ...stream, headers }, signal, () => {
      state.record.answered(entry, 200);
      state.record.streamed();
      state.record.billed(entry, bill);
    });
  } catch (error) {
    // The client went away, which ends a stream as well as anything.
    if (!signal.aborted) throw error;
  }
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
  const { record } = state;
  const { promptTokens, completionTokens } = record.tokens();
  sendJson(response, state, {
    total: record.count(),
    by_model: record.countsByModel(),
    by_status: record.countsByStatus(),
    streams: record.streamCount(),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
  });
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
