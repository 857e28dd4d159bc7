import type { UpstreamRequest } from './upstream-result.js';

/** The part of an attempt's time that the proxy gets for its provider. */
const PROXY_TIMEOUT_SHARE = 0.95;

/** @param proxyTimeoutMs how long the proxy may be silent; for an answer that comes whole, how long it may take */
export function toHeaders(
  upstream: UpstreamRequest<unknown>,
  apiKey: string | null,
  proxyTimeoutMs: number,
): Record<string, string> {
  const { correlation } = upstream;
  return {
    'content-type': 'application/json',
    accept: 'application/json',
    'x-litellm-call-id': upstream.attemptId,
    'x-litellm-trace-id': correlation.traceId,
    'x-litellm-tags': correlation.tags.map(toTag).join(','),
    'x-litellm-spend-logs-metadata': JSON.stringify(correlation.metadata),
    'x-litellm-end-user-id': correlation.endUserId,
    // A little before our own deadline: a proxy that gives up itself also cuts its provider off, while a
    // client that hangs up leaves the provider at work and the bill unseen.
    'x-litellm-timeout': String((proxyTimeoutMs * PROXY_TIMEOUT_SHARE) / 1000),
    // The walk over the models is ours: a retry inside the proxy would be spend without a row.
    'x-litellm-num-retries': '0',
    ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
  };
}

/** A tag as a header carries it: what a header cannot hold, and the comma between tags, percent-encoded. */
function toTag(text: string): string {
  return text.replace(/[^\x20-\x7e]|[,%]/gu, encodeURIComponent);
}
