import { errorCodeOf } from '../common/error-code.js';
import { COST_OF_NOTHING_SENT, UNKNOWN_COST, withoutZero } from './cost.js';
import type { AttemptFailure, Correlation, Cost, Usage } from './gateway.types.js';
import { classifyUpstreamError, mayHaveSpent, readErrorMessage } from './upstream-error.js';

export interface UpstreamRequest<Request> {
  readonly attemptId: string;
  readonly modelName: string;
  readonly request: Request;
  readonly correlation: Correlation;
  /** Until the whole answer is there, or the first frame of a stream. */
  readonly timeoutMs: number;
}

/** What one request to the upstream came to. */
export interface UpstreamResult<Answer> {
  /** Null exactly if there is a failure. */
  readonly answer: Answer | null;
  readonly failure: AttemptFailure | null;
  readonly upstreamStatus: number | null;
  readonly upstreamError: string | null;
  readonly usage: Usage | null;
  readonly cost: Cost;
  readonly firstByteMs: number | null;
  /** How long the upstream asks to be left alone; null if it does not. */
  readonly retryAfterMs: number | null;
}

export type FailedResult = UpstreamResult<never>;

const NOTHING = { answer: null, usage: null, firstByteMs: null, retryAfterMs: null } as const;

export const NOT_SENT: FailedResult = {
  ...NOTHING,
  failure: 'connection_failed',
  upstreamStatus: null,
  upstreamError: 'The service is shutting down.',
  cost: COST_OF_NOTHING_SENT,
};

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

export function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** A failure without an answer. What is not given is unknown. */
export function failed(
  failure: AttemptFailure,
  known: Partial<Omit<FailedResult, 'answer' | 'failure'>> = {},
): FailedResult {
  return { ...NOTHING, upstreamStatus: null, upstreamError: null, cost: UNKNOWN_COST, ...known, failure };
}

/** An answer with the status of an error. */
export function readFailure(
  upstreamStatus: number,
  body: string,
  known: { readonly cost: Cost; readonly retryAfterMs: number | null },
): FailedResult {
  const message = readErrorMessage(body);
  const failure = classifyUpstreamError(upstreamStatus, message);
  const cost = mayHaveSpent(failure, message) ? withoutZero(known.cost) : known.cost;
  return failed(failure, { upstreamStatus, upstreamError: message, cost, retryAfterMs: known.retryAfterMs });
}

/** An error of the connection, before or within an answer. */
export function readConnectionError(
  error: unknown,
  known: { readonly upstreamStatus: number | null; readonly cost: Cost },
): FailedResult {
  const code = errorCodeOf(error);
  const isNotSent = code !== null && NOT_SENT_CODES.has(code);
  const cost = isSuccess(known.upstreamStatus) ? known.cost : withoutZero(known.cost);
  return failed(isTooLarge(code) ? 'malformed_answer' : 'connection_failed', {
    upstreamStatus: known.upstreamStatus,
    upstreamError: describeError(error),
    cost: isNotSent ? COST_OF_NOTHING_SENT : cost,
  });
}

export function describeError(error: unknown): string | null {
  const code = errorCodeOf(error);
  return error instanceof Error ? `${code ?? error.name}: ${error.message}` : code;
}

export function isTooLarge(code: string | null): boolean {
  return code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
}
