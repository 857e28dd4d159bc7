import type { AttemptFailure } from './gateway.types.js';

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
  if (/invalid model name passed in/i.test(message)) return 'unknown_model';
  if (/ContextWindowExceededError/.test(message)) return 'context_window_exceeded';
  switch (status) {
    case 401:
    case 403:
      return /(Authentication|PermissionDenied)Error/.test(message) && /litellm\./.test(message)
        ? 'provider_key_refused'
        : 'service_key_refused';
    case 404:
      return 'unknown_model';
    case 408:
      return 'timeout';
    case 429:
      return 'rate_limited';
    default:
      return status >= 500 ? 'upstream_error' : 'request_rejected';
  }
}

/** The human text of an error body: OpenAI's `error.message`, FastAPI's `detail`, or the body itself. */
export function readErrorMessage(body: string): string {
  return textOf(parseJson(body) ?? body).slice(0, MAX_ERROR_LENGTH);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) {
    const { error, detail, message } = value as { error?: unknown; detail?: unknown; message?: unknown };
    for (const candidate of [message, error, detail]) {
      if (candidate !== undefined && candidate !== null) return textOf(candidate);
    }
  }
  return JSON.stringify(value) ?? '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
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
};

export function mayTryNextModel(failure: AttemptFailure): boolean {
  return MAY_TRY_NEXT[failure];
}
