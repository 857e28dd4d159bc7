import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MARKERS, type Mark } from './canary-markers.js';
import {
  completionOf,
  embeddingsOf,
  errorBody,
  htmlPage,
  UPSTREAM_HEADERS,
  type UpstreamAsked,
} from './canary-upstream-answers.js';
import { isMidStreamFailure, streamAnswer } from './canary-upstream-streams.js';

/** An upstream that marks everything it says. What it does is in the name of the model. */
export interface CanaryUpstream {
  readonly baseUrl: string;
  /** Where it is, in the words in which an error of a connection would tell it. */
  readonly marks: readonly Mark[];
  /** What was asked of it, by behaviour. */
  readonly asked: ReadonlySet<string>;
  /** May be asked for again. */
  stop(): Promise<void>;
}

export function modelOf(behaviour: string): string {
  return `${MARKERS.model}/${behaviour}`;
}

export async function startCanaryUpstream(): Promise<CanaryUpstream> {
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    // A client that goes away is part of what is tested.
    response.on('error', () => undefined);
    void answer(request, response, asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    baseUrl: `http://${address}/${MARKERS.host}`,
    marks: [{ kind: 'address', text: address }],
    asked,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, asked: Set<string>): Promise<void> {
  let text = '';
  for await (const piece of request) text += String(piece);
  const body = JSON.parse(text) as UpstreamAsked;
  const behaviour = body.model.slice(body.model.lastIndexOf('/') + 1);
  asked.add(behaviour);
  if (answerBySocket(response, behaviour)) return;
  if (answerByError(response, behaviour)) return;
  if (request.url?.endsWith('/embeddings') === true) {
    json(response, 200, isMidStreamFailure(behaviour) ? errorBody() : embeddingsOf(body));
  } else if (body.stream === true && behaviour !== 'json-for-stream') {
    await streamAnswer(response, body, behaviour);
  } else {
    const others: Record<string, string> =
      behaviour === 'bad-cost' ? { 'x-litellm-response-cost': MARKERS.header } : {};
    json(response, 200, completionOf(body, behaviour), others);
  }
}

/** What is no answer in HTTP. */
function answerBySocket(response: ServerResponse, behaviour: string): boolean {
  switch (behaviour) {
    case 'hang':
      return true;
    case 'reset':
      response.socket?.resetAndDestroy();
      return true;
    case 'no-http':
      response.socket?.end(`${MARKERS.error} ${MARKERS.host} ${MARKERS.model}\r\n\r\n`);
      return true;
    case 'half':
      send(response, 200, { 'content-type': 'application/json', 'content-length': '9000' });
      response.write(JSON.stringify(errorBody()), () => response.socket?.destroy());
      return true;
    default:
      return false;
  }
}

/** What errors begin with that a proxy has a meaning for, with their status. */
const MEANINGS: Readonly<Record<string, readonly [number, string]>> = {
  'unknown-model': [400, `/chat/completions: Invalid model name passed in model=${MARKERS.model}. `],
  'context-window': [400, 'litellm.BadRequestError: ContextWindowExceededError: '],
  'provider-key': [401, 'litellm.AuthenticationError: '],
  'no-database': [400, 'No connected db. '],
  budget: [400, 'Budget has been exceeded! '],
};

function answerByError(response: ServerResponse, behaviour: string): boolean {
  const meaning = MEANINGS[behaviour];
  const [, status] = /^(?:error|breaker|lost)-(\d{3})$/.exec(behaviour) ?? [];
  if (meaning !== undefined) json(response, meaning[0], errorBody(meaning[1]));
  else if (status !== undefined) json(response, Number(status), errorBody('', status));
  else return answerByBody(response, behaviour);
  return true;
}

function answerByBody(response: ServerResponse, behaviour: string): boolean {
  switch (behaviour) {
    case 'rest':
      json(response, 429, errorBody(), { 'retry-after': '600' });
      return true;
    case 'detail':
      json(response, 500, { detail: errorBody() });
      return true;
    case 'redirect':
      json(response, 302, errorBody(), { location: `https://${MARKERS.host}/` });
      return true;
    case 'html-200':
    case 'html-502':
      send(response, Number(behaviour.slice(-3)), { 'content-type': 'text/html' });
      response.end(htmlPage());
      return true;
    case 'malformed':
      send(response, 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(errorBody()).slice(0, -1));
      return true;
    case 'error-in-200':
      json(response, 200, errorBody());
      return true;
    case 'no-choices':
      json(response, 200, { choices: [], data: [], [MARKERS.field]: MARKERS.field });
      return true;
    case 'big':
      json(response, 200, { [MARKERS.field]: MARKERS.error.repeat(20_000) });
      return true;
    default:
      return false;
  }
}

export function send(
  response: ServerResponse,
  status: number,
  others: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, `${MARKERS.header} reason`, { ...UPSTREAM_HEADERS, ...others });
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  others: Readonly<Record<string, string>> = {},
): void {
  send(response, status, { 'content-type': `application/json; profile=${MARKERS.header}`, ...others });
  response.end(JSON.stringify(body));
}
