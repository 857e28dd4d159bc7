import type { AttemptFailure } from './gateway.types.js';
import { parseJson } from './json-value.js';

/** What the admin sees of an upstream's error is cut here. */
const MAX_ERROR_LENGTH = 2_000;

/**
 * Sorts an upstream's error answer. LiteLLM's statuses are not enough: an unknown model and a full
 * context window are 400 as a bad request is, and its own 401 differs from a provider's by the name of
 * the exception in the message.
 *
 * @param message the text of {@link readErrorMessage}
 */
export function classifyUpstreamError(status: number, message: string): AttemptFailure {
  if (/invalid model name passed in|no healthy deployments for this model/i.test(message)) {
    return 'unknown_model';
  }
  if (message.includes('ContextWindowExceededError')) return 'context_window_exceeded';
  // A proxy without a database knows its master key alone and says this of every other.
  if (message.startsWith('No connected db')) return 'service_key_refused';
  // The proxy's own budget is spent: 429 in newer versions, 400 in older ones; no fault of the request.
  if (/budget has been exceeded|ExceededBudget/i.test(message)) return 'rate_limited';
  switch (status) {
    case 401:
    case 403:
      // LiteLLM passes a provider's refusal on under the name of its own exception, whichever that is.
      return message.startsWith('litellm.') ? 'provider_key_refused' : 'service_key_refused';
    case 404:
      return 'unknown_model';
    case 408:
      return 'timeout';
    case 429:
      return 'rate_limited';
    case 400:
    case 413:
    case 422:
      return 'request_rejected';
    default:
      // A redirect, an unpaid bill, a wrong address: the operator's to mend, not the client's.
      return 'upstream_error';
  }
}

/**
 * Whether a provider may have worked, and billed, although the upstream answered with an error. LiteLLM
 * writes a cost of 0 on every error, also where it gave up waiting, lost the connection or could not read
 * the answer.
 */
export function mayHaveSpent(failure: AttemptFailure, message: string): boolean {
  return failure === 'timeout' || /connection error|timed? ?out|empty or invalid response/i.test(message);
}

/** The human text of an error body: OpenAI's `error.message`, FastAPI's `detail`, or else the body itself. */
export function readErrorMessage(body: string): string {
  return (textOf(parseJson(body)) ?? body).slice(0, MAX_ERROR_LENGTH);
}

/**
 * What is kept of an answer of success that cannot be read: its error if it tells one. The rest of it may be
 * what the model has written.
 */
export function describeUnreadable(body: string): string {
  const message = textOf(parseJson(body));
  if (message !== null) return message.slice(0, MAX_ERROR_LENGTH);
  return `The answer, of ${String(body.length)} characters, is none that can be read.`;
}

/** How deep a message may be wrapped before the body itself is shown. */
const MAX_WRAPPINGS = 5;

function textOf(value: unknown, wrappings = 0): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && wrappings < MAX_WRAPPINGS) {
    const { error, detail, message } = value as { error?: unknown; detail?: unknown; message?: unknown };
    for (const candidate of [message, error, detail]) {
      if (candidate !== undefined && candidate !== null) return textOf(candidate, wrappings + 1);
    }
  }
  return null;
}

/** Whether the next model may succeed where this one failed. */
const MAY_TRY_NEXT: Readonly<Record<AttemptFailure, boolean>> = {
  connection_failed: true,
  timeout: true,
  rate_limited: true,
  upstream_error: true,
  unknown_model: true,
  provider_key_refused: true,
  context_window_exceeded: true,
  malformed_answer: true,
  request_rejected: false,
  service_key_refused: false,
  // Before anything was said; after it the walk is over.
  stream_broken: true,
  client_disconnected: false,
};

export function mayTryNextModel(failure: AttemptFailure): boolean {
  return MAY_TRY_NEXT[failure];
}

/**
 * An error inside of an answer that began as one of success. The status that it would have had is in its
 * code, if anywhere. Null if the frame is none.
 */
export function readFrameError(
  frame: Readonly<Record<string, unknown>>,
): { readonly failure: AttemptFailure; readonly message: string } | null {
  const { error } = frame;
  if (error === undefined || error === null || error === false) return null;
  const message = readErrorMessage(JSON.stringify(frame));
  const { code, status } = typeof error === 'object' ? (error as { code?: unknown; status?: unknown }) : {};
  const known = toErrorStatus(code) ?? toErrorStatus(status) ?? UNKNOWN_ERROR_STATUS;
  return { failure: classifyUpstreamError(known, message), message };
}

const UNKNOWN_ERROR_STATUS = 500;

function toErrorStatus(value: unknown): number | null {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : null;
}
