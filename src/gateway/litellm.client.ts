import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { errorCodeOf } from '../common/error-code.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import {
  COST_OF_NOTHING_SENT,
  costFromHeader,
  parseChatCompletion,
  UNKNOWN_COST,
} from './chat-completion.js';
import type { AttemptFailure, ChatAnswer, ChatRequest, Correlation, Cost, Usage } from './gateway.types.js';
import { classifyUpstreamError, mayHaveSpent, readErrorMessage } from './upstream-error.js';

const COST_HEADER = 'x-litellm-response-cost';
const CONNECT_TIMEOUT_MS = 5_000;
/** The part of an attempt's time that the proxy gets for its provider. */
const PROXY_TIMEOUT_SHARE = 0.95;

/** Failures that undici reports before a byte of the request has left. */
const NOT_SENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

export interface UpstreamRequest {
  readonly attemptId: string;
  readonly modelName: string;
  readonly request: ChatRequest;
  readonly correlation: Correlation;
  readonly timeoutMs: number;
}

/** What one request to the upstream came to. */
export interface UpstreamResult {
  readonly answer: ChatAnswer | null;
  readonly failure: AttemptFailure | null;
  readonly upstreamStatus: number | null;
  readonly upstreamError: string | null;
  readonly usage: Usage | null;
  readonly cost: Cost;
}

/** Speaks to a LiteLLM proxy, or to any upstream with OpenAI's chat API. Never throws for what it answers. */
@Injectable()
export class LitellmClient implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly url: string;
  private isAbandoned = false;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {
    if (settings.litellmBaseUrl === null) throw new Error('No upstream is configured.');
    this.url = `${settings.litellmBaseUrl}/v1/chat/completions`;
    this.agent = new Agent({
      connections: settings.upstreamMaxConnections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      // The attempt's own deadline covers headers and body; two clocks would only disagree.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: settings.upstreamMaxAnswerBytes,
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.abandon();
  }

  /** Ends what is under way, as failed and of unknown cost; whatever comes after is not sent. */
  async abandon(): Promise<void> {
    this.isAbandoned = true;
    await this.agent.destroy();
  }

  /** Sends one chat completion and reads its whole answer. `timeoutMs` covers both. */
  async complete(upstream: UpstreamRequest): Promise<UpstreamResult> {
    if (this.isAbandoned) return NOT_SENT;
    const deadline = AbortSignal.timeout(upstream.timeoutMs);
    let upstreamStatus: number | null = null;
    let cost: Cost = UNKNOWN_COST;
    try {
      const response = await request(this.url, {
        method: 'POST',
        dispatcher: this.agent,
        signal: deadline,
        headers: this.headers(upstream),
        body: JSON.stringify({
          ...upstream.request.parameters,
          model: upstream.modelName,
          messages: upstream.request.messages,
        }),
      });
      upstreamStatus = response.statusCode;
      cost = costFromHeader(firstValue(response.headers[COST_HEADER]));
      const body = await response.body.text();
      return isSuccess(upstreamStatus)
        ? readAnswer(upstreamStatus, cost, body)
        : readFailure(upstreamStatus, cost, body);
    } catch (error) {
      const isZeroUnknown = cost.costUsd === '0' && !isSuccess(upstreamStatus);
      const knownCost = isZeroUnknown ? { ...UNKNOWN_COST, text: cost.text } : cost;
      if (deadline.aborted) {
        return { ...NOTHING, failure: 'timeout', upstreamStatus, upstreamError: null, cost: knownCost };
      }
      const code = errorCodeOf(error);
      return {
        ...NOTHING,
        failure: code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'malformed_answer' : 'connection_failed',
        upstreamStatus,
        upstreamError: error instanceof Error ? `${code ?? error.name}: ${error.message}` : code,
        cost: code !== null && NOT_SENT_CODES.has(code) ? COST_OF_NOTHING_SENT : knownCost,
      };
    }
  }

  private headers(upstream: UpstreamRequest): Record<string, string> {
    const { correlation } = upstream;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-litellm-call-id': upstream.attemptId,
      'x-litellm-trace-id': correlation.traceId,
      'x-litellm-tags': correlation.tags.map(toTag).join(','),
      'x-litellm-spend-logs-metadata': JSON.stringify(correlation.metadata),
      'x-litellm-end-user-id': correlation.endUserId,
      // A little before our own deadline: a proxy that gives up itself also cuts its provider off, while a
      // client that hangs up leaves the provider at work and the bill unseen.
      'x-litellm-timeout': String((upstream.timeoutMs * PROXY_TIMEOUT_SHARE) / 1000),
      // The walk over the models is ours: a retry inside the proxy would be spend without a row.
      'x-litellm-num-retries': '0',
    };
    if (this.settings.litellmApiKey !== null) {
      headers['authorization'] = `Bearer ${this.settings.litellmApiKey}`;
    }
    return headers;
  }
}

const NOTHING = { answer: null, usage: null } as const;

const NOT_SENT: UpstreamResult = {
  ...NOTHING,
  failure: 'connection_failed',
  upstreamStatus: null,
  upstreamError: 'The service is shutting down.',
  cost: COST_OF_NOTHING_SENT,
};

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

function readAnswer(upstreamStatus: number, cost: Cost, body: string): UpstreamResult {
  const completion = parseChatCompletion(body);
  if (completion === null) {
    return {
      ...NOTHING,
      failure: 'malformed_answer',
      upstreamStatus,
      upstreamError: readErrorMessage(body),
      cost,
    };
  }
  return { ...completion, failure: null, upstreamStatus, upstreamError: null, cost };
}

function readFailure(upstreamStatus: number, cost: Cost, body: string): UpstreamResult {
  const message = readErrorMessage(body);
  const failure = classifyUpstreamError(upstreamStatus, message);
  const isZeroUnknown = cost.costUsd === '0' && mayHaveSpent(failure, message);
  return {
    ...NOTHING,
    failure,
    upstreamStatus,
    upstreamError: message,
    cost: isZeroUnknown ? { ...UNKNOWN_COST, text: cost.text } : cost,
  };
}

/** A tag as a header carries it: what a header cannot hold, and the comma between tags, percent-encoded. */
function toTag(text: string): string {
  return text.replace(/[^\x20-\x7e]|[,%]/gu, encodeURIComponent);
}

function firstValue(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
