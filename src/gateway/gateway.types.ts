/**
 * A message in the shape of OpenAI's chat API. What it may hold is judged by `chat` before; here it is
 * passed on as it came.
 */
export interface ChatMessage {
  readonly role: string;
  /** Text, parts, or nothing beside tool calls. */
  readonly content?: string | readonly object[] | null;
  readonly [field: string]: unknown;
}

/** What a client asks, less the model: that is ours to choose. Absent parameters are not sent. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What ties the upstream's records to ours. None of it is meant for the provider. */
export interface Correlation {
  /** Becomes the session of the call in LiteLLM's logs: our job. */
  readonly traceId: string;
  readonly endUserId: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

export type AttemptStatus = 'succeeded' | 'failed' | 'timed_out';

/** Where the cost of an attempt comes from. `unpriced` means unknown: it is never free. */
export type CostSource = 'upstream_header' | 'not_sent' | 'unpriced';

/** Why an attempt did not succeed; decides whether the next model is tried. */
export type AttemptFailure =
  | 'connection_failed'
  | 'timeout'
  | 'rate_limited'
  | 'upstream_error'
  | 'unknown_model'
  | 'provider_key_refused'
  | 'context_window_exceeded'
  | 'malformed_answer'
  | 'request_rejected'
  | 'service_key_refused';

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
}

export interface Cost {
  /** Decimal text; null while unknown. */
  readonly costUsd: string | null;
  readonly source: CostSource;
  /** What the upstream wrote, kept for audits; null if it wrote nothing. */
  readonly text: string | null;
}

/** A try of one model, about to leave. */
export interface StartedAttempt {
  readonly attemptId: string;
  /** From 1. */
  readonly number: number;
  readonly modelName: string;
}

/** A try of one model that has ended. `latencyMs` is whole milliseconds. */
export interface EndedAttempt extends StartedAttempt {
  readonly status: AttemptStatus;
  readonly failure: AttemptFailure | null;
  readonly upstreamStatus: number | null;
  /** The upstream's own words, cut short. For the admin only. */
  readonly upstreamError: string | null;
  /** Null if the upstream reported none. */
  readonly usage: Usage | null;
  readonly cost: Cost;
  readonly latencyMs: number;
}

export interface ChatAnswer {
  readonly content: string | null;
  readonly role: string;
  readonly finishReason: string | null;
}

/** Why a call as a whole failed, as far as its client is told. */
export type CallFailure = 'upstream_failed' | 'upstream_timeout' | 'upstream_rejected_request';

/** The end of a call. `attempts` has every try in order; the last one decided. */
export type CallOutcome =
  | { readonly status: 'succeeded'; readonly answer: ChatAnswer; readonly attempts: readonly EndedAttempt[] }
  | { readonly status: 'failed'; readonly failure: CallFailure; readonly attempts: readonly EndedAttempt[] };

/**
 * Keeps the record of attempts. The gateway has no tables; whoever owns them implements this. The first
 * attempt is recorded by the caller, together with the call.
 */
export interface AttemptRecorder {
  /**
   * Called before a further attempt leaves, with the one that has just ended. The attempt leaves only
   * after this has been committed, so that no spend is without a row.
   */
  attemptFollows(ended: EndedAttempt, next: StartedAttempt): Promise<void>;
}

export interface GatewayCall {
  readonly request: ChatRequest;
  /** At least one, in the order in which they are tried. */
  readonly modelNames: readonly string[];
  /** Id of the first attempt, which the caller has recorded. */
  readonly firstAttemptId: string;
  readonly correlation: Correlation;
  readonly recorder: AttemptRecorder;
}
