import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, type Dispatcher, request } from 'undici';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { countAnswerCharacters, parseChatCompletion } from './chat-completion.js';
import { costFromHeader, costOfAnswer, UNKNOWN_COST } from './cost.js';
import { parseEmbeddings } from './embedding.js';
import type {
  ChatAnswer,
  ChatRequest,
  Cost,
  EmbeddingAnswer,
  EmbeddingRequest,
  Usage,
} from './gateway.types.js';
import { objectOf, parseJson } from './json-value.js';
import { toHeaders } from './litellm.headers.js';
import { openStream, type StreamOpening } from './litellm.stream.js';
import { countEmbeddingTokens, countRequestCharacters } from './request-characters.js';
import { firstValue, readRetryAfter } from './retry-after.js';
import { describeUnreadable } from './upstream-error.js';
import {
  failed,
  type FailedResult,
  isSuccess,
  NOT_SENT,
  readConnectionError,
  readFailure,
  type UpstreamRequest,
  type UpstreamResult,
} from './upstream-result.js';
import { estimatePromptUsage, estimateUsage, parseEmbeddingUsage, parseUsage } from './usage.js';

const COST_HEADER = 'x-litellm-response-cost';
const CONNECT_TIMEOUT_MS = 5_000;
/** What one answer may hold in memory that nobody has asked for yet. */
const READ_AHEAD_BYTES = 16_384;

const CHAT_PATH = '/v1/chat/completions';
const EMBEDDINGS_PATH = '/v1/embeddings';

/** What a kind of request makes of a body of success. */
interface Reading<Answer> {
  /** Null if the body holds no answer. */
  read(body: string): { readonly answer: Answer; readonly usage: Usage; readonly rawUsage: unknown } | null;
  /** The guess for an answer that was lost on its way. */
  estimate(): Usage;
}

/** Speaks to a LiteLLM proxy, or to any upstream with OpenAI's API. Never throws for what it answers. */
@Injectable()
export class LitellmClient implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly abandonment = new AbortController();

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {
    if (settings.litellmBaseUrl === null) throw new Error('No upstream is configured.');
    this.agent = new Agent({
      connections: settings.upstreamMaxConnections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      // The attempt's own deadline covers headers and body; two clocks would only disagree.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: settings.upstreamMaxAnswerBytes,
    });
  }

  /** Aborted once nothing is sent any more. */
  get abandoned(): AbortSignal {
    return this.abandonment.signal;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.abandon();
  }

  /** Ends what is under way, as failed and of unknown cost; whatever comes after is not sent. */
  async abandon(): Promise<void> {
    this.abandonment.abort();
    await this.agent.destroy();
  }

  /** Sends one chat completion and reads its whole answer. */
  async complete(upstream: UpstreamRequest<ChatRequest>): Promise<UpstreamResult<ChatAnswer>> {
    const { messages, parameters } = upstream.request;
    const body = JSON.stringify({ ...parameters, model: upstream.modelName, messages });
    return this.exchange(CHAT_PATH, upstream, body, {
      read: (text) => {
        const parsed = parseChatCompletion(text);
        if (parsed === null) return null;
        const usage = parseUsage(parsed.rawUsage) ?? estimateChat(upstream.request, parsed.answer);
        return { ...parsed, usage };
      },
      estimate: () => estimateChat(upstream.request, null),
    });
  }

  async embed(upstream: UpstreamRequest<EmbeddingRequest>): Promise<UpstreamResult<EmbeddingAnswer>> {
    const { input, parameters } = upstream.request;
    const body = JSON.stringify({ ...parameters, model: upstream.modelName, input });
    const estimate = (): Usage => estimatePromptUsage(countEmbeddingTokens(upstream.request));
    return this.exchange(EMBEDDINGS_PATH, upstream, body, {
      read: (text) => {
        const parsed = parseEmbeddings(text);
        return parsed && { ...parsed, usage: parseEmbeddingUsage(parsed.rawUsage) ?? estimate() };
      },
      estimate,
    });
  }

  /** Sends one chat completion and reads until its first frame that says something. */
  async stream(upstream: UpstreamRequest<ChatRequest>): Promise<StreamOpening> {
    if (this.abandoned.aborted) return { status: 'failed', result: NOT_SENT };
    const { messages, parameters } = upstream.request;
    const body = JSON.stringify({
      ...parameters,
      model: upstream.modelName,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    // The proxy's time of a stream is that of a silence, so it must not be shorter than ours.
    const proxyTimeoutMs = Math.max(upstream.timeoutMs, this.settings.streamIdleTimeoutMs);
    return openStream({
      send: (signal) => this.send(CHAT_PATH, upstream, { body, signal, proxyTimeoutMs }),
      costOf: readCost,
      promptCharacters: () => countRequestCharacters(upstream.request),
      timeoutMs: upstream.timeoutMs,
      settings: this.settings,
    });
  }

  private async exchange<Answer>(
    path: string,
    upstream: UpstreamRequest<unknown>,
    body: string,
    reading: Reading<Answer>,
  ): Promise<UpstreamResult<Answer>> {
    if (this.abandoned.aborted) return NOT_SENT;
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(upstream.timeoutMs);
    let upstreamStatus: number | null = null;
    let cost: Cost = UNKNOWN_COST;
    try {
      const sent = { body, signal, proxyTimeoutMs: upstream.timeoutMs };
      const response = await this.send(path, upstream, sent);
      const firstByteMs = Math.round(performance.now() - startedAt);
      upstreamStatus = response.statusCode;
      cost = readCost(response);
      const text = await response.body.text();
      if (isSuccess(upstreamStatus)) return readAnswer(upstreamStatus, cost, text, firstByteMs, reading);
      const retryAfterMs = readRetryAfter(upstreamStatus, response.headers, new Date());
      return readFailure(upstreamStatus, text, { cost, retryAfterMs });
    } catch (error) {
      const result = readConnectionError(error, { upstreamStatus, cost });
      // An answer of success had begun, so the provider has worked, whatever became of the rest.
      const usage = isSuccess(upstreamStatus) ? reading.estimate() : null;
      if (!signal.aborted) return { ...result, usage };
      return { ...result, usage, failure: 'timeout', upstreamError: null };
    }
  }

  private send(
    path: string,
    upstream: UpstreamRequest<unknown>,
    sent: { readonly body: string; readonly signal: AbortSignal; readonly proxyTimeoutMs: number },
  ): Promise<Dispatcher.ResponseData> {
    return request(`${this.settings.litellmBaseUrl ?? ''}${path}`, {
      method: 'POST',
      dispatcher: this.agent,
      signal: sent.signal,
      highWaterMark: READ_AHEAD_BYTES,
      headers: toHeaders(upstream, this.settings.litellmApiKey, sent.proxyTimeoutMs),
      body: sent.body,
    });
  }
}

function readCost(response: Dispatcher.ResponseData): Cost {
  return costFromHeader(firstValue(response.headers[COST_HEADER]));
}

function readAnswer<Answer>(
  upstreamStatus: number,
  costInHeader: Cost,
  body: string,
  firstByteMs: number,
  reading: Reading<Answer>,
): UpstreamResult<Answer> {
  const read = reading.read(body);
  if (read === null) return readMalformed(upstreamStatus, costInHeader, body);
  const { answer, usage, rawUsage } = read;
  return {
    answer,
    failure: null,
    upstreamStatus,
    upstreamError: null,
    usage,
    cost: costOfAnswer(costInHeader, rawUsage),
    firstByteMs,
    retryAfterMs: null,
  };
}

/** Without an answer, but perhaps with a bill. */
function readMalformed(upstreamStatus: number, costInHeader: Cost, body: string): FailedResult {
  const rawUsage = objectOf(parseJson(body))['usage'];
  return failed('malformed_answer', {
    upstreamStatus,
    upstreamError: describeUnreadable(body),
    usage: parseUsage(rawUsage),
    cost: costOfAnswer(costInHeader, rawUsage),
  });
}

function estimateChat(request: ChatRequest, answer: ChatAnswer | null): Usage {
  return estimateUsage(countRequestCharacters(request), answer === null ? 0 : countAnswerCharacters(answer));
}
