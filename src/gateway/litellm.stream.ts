import type { Dispatcher } from 'undici';
import type { Settings } from '../config/settings.js';
import { ChunkReader } from './chat-chunk.js';
import { parseChatCompletion } from './chat-completion.js';
import { type ChunkSource, type SourceEnd, WholeAnswer } from './chunk-source.js';
import { costOfAnswer, UNKNOWN_COST } from './cost.js';
import { FrameSource } from './frame-source.js';
import type { Cost } from './gateway.types.js';
import { objectOf, parseJson } from './json-value.js';
import { readRetryAfter } from './retry-after.js';
import { describeUnreadable, readFrameError } from './upstream-error.js';
import {
  describeError,
  failed,
  type FailedResult,
  isSuccess,
  readConnectionError,
  readFailure,
} from './upstream-result.js';
import { UpstreamStream } from './upstream-stream.js';
import { estimateUsage, parseUsage } from './usage.js';

export type StreamOpening =
  | { readonly status: 'opened'; readonly stream: UpstreamStream }
  | { readonly status: 'failed'; readonly result: FailedResult };

export interface StreamRequest {
  send(signal: AbortSignal): Promise<Dispatcher.ResponseData>;
  costOf(response: Dispatcher.ResponseData): Cost;
  /** For the guess where no usage is reported; counted only then. */
  promptCharacters(): number;
  /** Until the first frame that says something. */
  readonly timeoutMs: number;
  readonly settings: Settings;
}

/**
 * Sends a request for a stream and reads until something of an answer is there, or it is clear that nothing
 * comes.
 */
export async function openStream(request: StreamRequest): Promise<StreamOpening> {
  const abort = new AbortController();
  const deadline = { isOver: false };
  const timer = setTimeout(() => {
    deadline.isOver = true;
    abort.abort();
  }, request.timeoutMs);
  try {
    const opening = await sendAndOpen(request, abort);
    if (opening.status === 'opened' || !deadline.isOver) return opening;
    return { status: 'failed', result: { ...opening.result, failure: 'timeout', upstreamError: null } };
  } finally {
    clearTimeout(timer);
  }
}

async function sendAndOpen(request: StreamRequest, abort: AbortController): Promise<StreamOpening> {
  const startedAt = performance.now();
  let response: Dispatcher.ResponseData | null = null;
  try {
    response = await request.send(abort.signal);
    // An error that comes while nobody reads would otherwise end the process; the next read tells it again.
    response.body.on('error', ignore);
    const { statusCode: upstreamStatus } = response;
    if (!isSuccess(upstreamStatus)) return failedWith(await readErrorAnswer(request, response));
    const source = isJson(response)
      ? await readWholeAnswer(request, response)
      : new FrameSource(response, abort, request.settings);
    if ('failure' in source) return failedWith(source);
    const pulled = await source.pull(ignore);
    if (pulled.kind === 'end') {
      source.close();
      return failedWith(resultOf(pulled.end, source, { request, upstreamStatus }));
    }
    const firstByteMs = Math.round(performance.now() - startedAt);
    const parts = { ...request, source, first: pulled.chunks, upstreamStatus, firstByteMs, startedAt };
    return { status: 'opened', stream: new UpstreamStream(parts) };
  } catch (error) {
    const cost = response === null ? UNKNOWN_COST : request.costOf(response);
    return failedWith(readConnectionError(error, { upstreamStatus: response?.statusCode ?? null, cost }));
  }
}

async function readErrorAnswer(
  request: StreamRequest,
  response: Dispatcher.ResponseData,
): Promise<FailedResult> {
  const retryAfterMs = readRetryAfter(response.statusCode, response.headers, new Date());
  const body = await response.body.text();
  return readFailure(response.statusCode, body, { cost: request.costOf(response), retryAfterMs });
}

/** Some upstreams take no notice of `stream` and answer as a whole, which then is a stream of one piece. */
async function readWholeAnswer(
  request: StreamRequest,
  response: Dispatcher.ResponseData,
): Promise<WholeAnswer | FailedResult> {
  const body = await response.body.text();
  const fields = objectOf(parseJson(body));
  const usage = parseUsage(fields['usage']);
  const cost = costOfAnswer(request.costOf(response), fields['usage']);
  const completion = parseChatCompletion(body);
  if (completion !== null) {
    const reader = new ChunkReader();
    const chunk = reader.readWhole(completion.answer);
    return new WholeAnswer(chunk, usage, cost, reader.characterCount);
  }
  return failed(readFrameError(fields)?.failure ?? 'malformed_answer', {
    upstreamStatus: response.statusCode,
    upstreamError: describeUnreadable(body),
    usage,
    cost,
  });
}

/** What a stream came to that ended before it had said anything. */
function resultOf(
  end: SourceEnd,
  source: ChunkSource,
  { request, upstreamStatus }: { readonly request: StreamRequest; readonly upstreamStatus: number },
): FailedResult {
  const known = { upstreamStatus, usage: source.usage, cost: source.cost };
  // Where it broke off, nobody knows what the provider has done: at least it has read the prompt.
  const guessed = { ...known, usage: source.usage ?? estimateUsage(request.promptCharacters(), 0) };
  switch (end.kind) {
    case 'done':
      return failed('malformed_answer', { ...known, upstreamError: 'The stream had no answer in it.' });
    case 'cut':
      return failed('stream_broken', {
        ...guessed,
        upstreamError: 'The stream ended before its first word.',
      });
    case 'lost':
      return failed('connection_failed', { ...guessed, upstreamError: describeError(end.error) });
    case 'malformed':
      return failed('malformed_answer', { ...known, upstreamError: end.message });
    case 'error':
      return failed(end.failure, { ...known, upstreamError: end.message });
  }
}

function failedWith(result: FailedResult): StreamOpening {
  return { status: 'failed', result };
}

function isJson(response: Dispatcher.ResponseData): boolean {
  const type = response.headers['content-type'];
  return typeof type === 'string' && /^application\/(?:[\w.-]+\+)?json\b/i.test(type.trim());
}

function ignore(): void {
  // Whoever reads next is told.
}
