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

/** What a client asks, less the model, which is ours to choose, and less how it wants the answer sent. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** In OpenAI's spelling. Absent parameters are not sent. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What is to be embedded, in OpenAI's spelling, less the model. */
export interface EmbeddingRequest {
  readonly input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
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

/**
 * How an attempt ended. `partial`: it broke off after its first byte. `canceled`: we stopped it, because
 * nobody waited for the rest.
 */
export type AttemptStatus = 'succeeded' | 'failed' | 'timed_out' | 'partial' | 'canceled';

/**
 * Where the cost of an attempt comes from. `unpriced` means that nobody has said it, `refused` that what was
 * said cannot be a cost (negative, infinite, absurd). Both are unknown: neither is ever free.
 */
export const COST_SOURCES = ['upstream_header', 'upstream_usage', 'not_sent', 'unpriced', 'refused'] as const;
export type CostSource = (typeof COST_SOURCES)[number];

/** Why an attempt did not succeed; decides whether another one follows. */
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
  | 'service_key_refused'
  /** The stream ended before its end, or with an error inside. */
  | 'stream_broken'
  | 'client_disconnected';

/**
 * Tokens by what they are billed as. No token is in two of them: the input ones add up to the prompt, the
 * output ones to the completion.
 */
export interface UsageBuckets {
  /** Text of the prompt that came from no cache and went into none. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly audioInputTokens: number;
  readonly imageInputTokens: number;
  /** Visible text, and everything else that is none of the following. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly audioOutputTokens: number;
  readonly imageOutputTokens: number;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly buckets: UsageBuckets;
  /** Whether we have guessed it from the lengths of the texts, because nobody has reported any. */
  readonly isEstimated: boolean;
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
  /** Null if the upstream reported none and there is nothing to guess it from. */
  readonly usage: Usage | null;
  readonly cost: Cost;
  /** From the sending to the first byte of an answer, or to the first frame of a stream that says something; null if none came. */
  readonly firstByteMs: number | null;
  readonly latencyMs: number;
}

/** A call of a tool, in OpenAI's spelling, with an id of our own. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** One of the answers to a chat request, in OpenAI's spelling, since it goes out as it is. */
export interface ChatChoice {
  readonly index: number;
  readonly message: {
    readonly role: 'assistant';
    readonly content: string | null;
    readonly refusal?: string;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly ToolCall[];
  };
  readonly logprobs?: object;
  /** One of OpenAI's words, or null. */
  readonly finish_reason: string | null;
}

export interface ChatAnswer {
  /** At least one. */
  readonly choices: readonly ChatChoice[];
}

/** A piece of a call of a tool: the first one of an `index` has id, type and name. */
export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; readonly arguments?: string };
}

/** A piece of one of the answers, in OpenAI's spelling, since it goes out as it is. */
export interface ChunkChoice {
  readonly index: number;
  readonly delta: {
    readonly role?: 'assistant';
    readonly content?: string;
    readonly refusal?: string;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly ToolCallDelta[];
  };
  readonly logprobs?: object;
  readonly finish_reason: string | null;
}

/** One frame of a stream that says something. Usage and cost are kept apart, see {@link StreamOutcome}. */
export interface ChatChunk {
  readonly choices: readonly ChunkChoice[];
}

export interface EmbeddingAnswer {
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] | string }[];
}

/** Why a call as a whole failed, as far as its client is told. */
export type CallFailure = 'upstream_failed' | 'upstream_timeout' | 'upstream_rejected_request';

export interface FailedCall {
  readonly status: 'failed';
  readonly failure: CallFailure;
  readonly attempts: readonly EndedAttempt[];
}

/** The end of a call. `attempts` has every try in order; the last one decided. */
export type CallOutcome<Answer = ChatAnswer> =
  | { readonly status: 'succeeded'; readonly answer: Answer; readonly attempts: readonly EndedAttempt[] }
  | FailedCall;

/** The end of a stream that had begun. The last attempt is the one that streamed. */
export interface StreamOutcome {
  readonly status: 'succeeded' | 'partial' | 'canceled';
  readonly attempts: readonly EndedAttempt[];
}

/** A stream whose first frame is there. Nothing is tried again after it. */
export interface OpenedStream {
  /**
   * What came in one read, frame by frame; nothing is read ahead of whoever asks. Must be read to its end,
   * which always comes: it never throws.
   */
  readonly chunks: AsyncIterable<readonly ChatChunk[]>;
  /** Stops the upstream: the chunks end soon. Asked after their end, it does nothing. */
  cancel(): void;
  /** Settles when the chunks have ended, never before and never with an error. */
  readonly outcome: Promise<StreamOutcome>;
}

export type StreamStart = { readonly status: 'opened'; readonly stream: OpenedStream } | FailedCall;

/** A model of a group, as the walk chooses among them. */
export interface CandidateModel {
  readonly modelName: string;
  /** 0 goes first. */
  readonly priority: number;
  /** Share among those of the same priority, at least 1. */
  readonly weight: number;
}

/** The order in which models are tried, or that none may be tried now. */
export type CallPlan =
  | { readonly kind: 'ready'; readonly modelNames: readonly string[] }
  /** Every model is resting after failures. */
  | { readonly kind: 'resting'; readonly retryAfterMs: number };

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

export interface GatewayCall<Request = ChatRequest> {
  readonly request: Request;
  /** At least one, in the order in which they are tried: a {@link CallPlan}'s. */
  readonly modelNames: readonly string[];
  /** Id of the first attempt, which the caller has recorded. */
  readonly firstAttemptId: string;
  readonly correlation: Correlation;
  readonly recorder: AttemptRecorder;
  /**
   * Whether another attempt may follow one of which nobody knows whether the provider has worked, and
   * billed: a timeout, a connection lost after the request had left.
   */
  readonly mayRetryAmbiguous: boolean;
}
