import type { AttemptFailure, CallFailure, CostSource, EndedAttempt } from '../gateway/gateway.types.js';

/**
 * `partial`: a stream broke off. `client_disconnected`: the client left its stream, and the model did its
 * part as far as it was let.
 */
export const CALL_STATUSES = [
  'in_flight',
  'succeeded',
  'failed',
  'interrupted',
  'partial',
  'client_disconnected',
] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

export type EndedCallStatus = Exclude<CallStatus, 'in_flight'>;

/** Those in which the model did what was asked of it. Who leaves his stream before its end has still had it. */
export const SUCCESSFUL_STATUSES: readonly CallStatus[] = ['succeeded', 'client_disconnected'];

export const CALL_KINDS = ['chat', 'embedding'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** Whether the answer was what the schema of its request asks for. */
export const SCHEMA_OUTCOMES = ['matched', 'missed'] as const;
export type SchemaOutcome = (typeof SCHEMA_OUTCOMES)[number];

/** Why a call failed, as its client was told. */
export type RecordedFailure = CallFailure | 'upstream_stream_broken';

export const ATTEMPT_STATUSES = [
  'in_flight',
  'succeeded',
  'failed',
  'timed_out',
  'interrupted',
  'partial',
  'canceled',
] as const;
export type AttemptRowStatus = (typeof ATTEMPT_STATUSES)[number];

/** A call that is being admitted. */
export interface NewCall {
  readonly teamId: string;
  readonly jobId: string;
  readonly kind: CallKind;
  readonly isStream: boolean;
  readonly modelGroup: string;
  /** The model tried first. */
  readonly modelName: string;
  readonly purpose: string | null;
  /** The caller's own; stays with us. */
  readonly metadata: object;
}

export interface OpenedCall {
  readonly callId: string;
  readonly firstAttemptId: string;
}

/** How a call ended. */
export interface CallEnd {
  readonly status: Exclude<EndedCallStatus, 'interrupted'>;
  /** Null unless it failed or broke off. */
  readonly failure: RecordedFailure | null;
  /** All of them; only the last one has not been recorded as ended. */
  readonly attempts: readonly EndedAttempt[];
  /** Null if no schema was asked for, or nothing came that could be held against it. */
  readonly schemaOutcome: SchemaOutcome | null;
  /** Of the whole call, as its client sees it; whole milliseconds. */
  readonly latencyMs: number;
}

/** What a call that ended adds to the totals of its job. Costs and tokens are of all its attempts. */
export interface CallTotals {
  readonly isSuccessful: boolean;
  readonly isUnpriced: boolean;
  readonly isSchemaMissed: boolean;
  /** Whether some of the tokens are guessed. */
  readonly isEstimated: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  /** Decimal text: the known part where `isUnpriced`. */
  readonly costUsd: string;
  /** Whole milliseconds; 0 unless successful. */
  readonly latencyMs: number;
}

/** A call whose process is gone. */
export interface OverdueCall {
  readonly callId: string;
  readonly teamId: string;
  readonly jobId: string;
  readonly modelGroup: string;
}

/** What names a call in the tables of its team. */
export interface CallName {
  readonly teamId: string;
  readonly jobId: string;
  readonly callId: string;
}

/** What a call asked and what it was answered, as JSON. */
export interface Messages {
  readonly request: object;
  /** Null for a call that has no answer. */
  readonly answer: object | null;
}

/** Messages that were stored, with how long they stay. */
export interface CallMessages extends CallName, Messages {
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A call with its attempts, for the admin. Amounts are decimal text. */
export interface CallRecord {
  readonly callId: string;
  readonly kind: CallKind;
  readonly isStream: boolean;
  readonly status: CallStatus;
  readonly failure: RecordedFailure | null;
  readonly schemaOutcome: SchemaOutcome | null;
  readonly modelGroup: string;
  readonly purpose: string | null;
  readonly metadata: object;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly costUsd: string;
  readonly isUnpriced: boolean;
  readonly isEstimated: boolean;
  readonly firstByteMs: number | null;
  readonly latencyMs: number | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  readonly attempts: readonly AttemptRecord[];
}

export interface AttemptRecord {
  readonly attemptId: string;
  readonly number: number;
  readonly modelName: string;
  readonly status: AttemptRowStatus;
  readonly failure: AttemptFailure | null;
  readonly upstreamStatus: number | null;
  readonly upstreamError: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Null of attempts without usage, and of those that older versions have recorded. */
  readonly inputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly audioInputTokens: number | null;
  readonly imageInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly audioOutputTokens: number | null;
  readonly imageOutputTokens: number | null;
  readonly isEstimated: boolean | null;
  readonly costUsd: string | null;
  readonly costSource: CostSource | null;
  /** As the upstream wrote it. */
  readonly costText: string | null;
  readonly firstByteMs: number | null;
  readonly latencyMs: number | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}
