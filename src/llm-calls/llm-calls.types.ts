import type { AttemptFailure, CallFailure, CostSource } from '../gateway/gateway.types.js';

export const CALL_STATUSES = ['in_flight', 'succeeded', 'failed', 'interrupted'] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

export const ATTEMPT_STATUSES = ['in_flight', 'succeeded', 'failed', 'timed_out', 'interrupted'] as const;
export type AttemptRowStatus = (typeof ATTEMPT_STATUSES)[number];

/** A call that is being admitted. */
export interface NewCall {
  readonly teamId: string;
  readonly jobId: string;
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

/** What a call that ended adds to the totals of its job. Costs and tokens are of all its attempts. */
export interface CallTotals {
  readonly isSuccessful: boolean;
  readonly isUnpriced: boolean;
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
  readonly status: CallStatus;
  readonly failure: CallFailure | null;
  readonly modelGroup: string;
  readonly purpose: string | null;
  readonly metadata: object;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly costUsd: string;
  readonly isUnpriced: boolean;
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
  readonly costUsd: string | null;
  readonly costSource: CostSource | null;
  readonly latencyMs: number | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}
