import type { BudgetTerms } from '../budgets/budgets.types.js';
import type { CostVisibility } from '../teams/teams.types.js';

export { MAX_JOB_TYPE_LENGTH } from '../budgets/budgets.types.js';

/** Characters of the user that a job is for. */
export const MAX_JOB_USER_LENGTH = 256;

export const JOB_STATUSES = [
  'pending',
  'in_progress',
  'completed',
  'failed',
  'cancelled',
  'expired',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** The ends that a client can ask for. */
export const COMPLETION_STATUSES = ['completed', 'failed', 'cancelled'] as const;
export type CompletionStatus = (typeof COMPLETION_STATUSES)[number];

/** All ends; a job expires by itself. */
export const END_STATUSES = [...COMPLETION_STATUSES, 'expired'] as const;
export type EndStatus = (typeof END_STATUSES)[number];

/**
 * What decided whether a job was charged: that it was completed; that all of its calls had failed; or, where
 * it ended otherwise, the team's rule for that.
 */
export const CHARGE_RULES = [
  'completed',
  'all_calls_failed',
  'trusted',
  'server_observed',
  'allowance',
] as const;
export type ChargeRule = (typeof CHARGE_RULES)[number];

/** Running totals of a job's calls. Tokens and cost are of every attempt. */
export interface JobTotals {
  readonly totalCalls: number;
  readonly successfulCalls: number;
  readonly failedCalls: number;
  readonly runningCalls: number;
  readonly unpricedCalls: number;
  /** Calls that succeeded with an answer that was not what their schema asks for. */
  readonly schemaMissedCalls: number;
  readonly totalTokens: number;
  /** Decimal text: the known part where `unpricedCalls` is not 0. */
  readonly totalCostUsd: string;
  /** Summed over the successful calls; whole milliseconds. */
  readonly totalLatencyMs: number;
}

/** The answer to the completion, frozen when the job ended. */
export interface CompletionSnapshot {
  readonly totalCalls: number;
  readonly successfulCalls: number;
  readonly failedCalls: number;
  readonly totalTokens: number;
  readonly totalCostUsd: string;
  readonly unpricedCalls: number;
  readonly avgLatencyMs: number;
  readonly creditApplied: boolean;
  readonly creditsCharged: number;
  readonly creditsRemaining: number;
  /** Due and not there. Answers frozen by older versions have none of these two. */
  readonly creditsShortfall?: number;
  readonly chargeRule?: ChargeRule;
  readonly schemaMissedCalls?: number;
  /** What the team saw of costs then. Answers frozen by older versions have none. */
  readonly costVisibility?: CostVisibility;
}

export interface JobRecord extends JobTotals, BudgetTerms {
  readonly jobId: string;
  readonly teamId: string;
  readonly jobType: string;
  readonly userId: string | null;
  readonly status: JobStatus;
  readonly metadata: object;
  readonly errorMessage: string | null;
  readonly creditsHeld: number;
  readonly creditApplied: boolean;
  /** Charged when it ended, and since for calls that ended after it. */
  readonly creditsCharged: number;
  /** Due and not there when it was to be charged. */
  readonly creditsShortfall: number;
  /** Null while it is open, and of jobs that older versions have ended. */
  readonly chargeRule: ChargeRule | null;
  /** From its last activity to its expiry. */
  readonly timeToLiveMs: number;
  /** Of the terms under which it was created, see `JobTerms`. */
  readonly mayRetryAmbiguous: boolean;
  /** When to look whether it has expired; its activity since then may have put that off. */
  readonly expiresAt: Date;
  /** Names of the groups that its ended calls went to, in the order of their first one. */
  readonly modelGroupsUsed: readonly string[];
  /** Whether it was made for one call, and ends with it. */
  readonly endsWithCall: boolean;
  readonly completion: CompletionSnapshot | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly updatedAt: Date;
}

/** Which jobs to list; null is any. `createdAfter` is inclusive, `createdBefore` is not. */
export interface JobFilter {
  readonly teamId: string | null;
  readonly status: JobStatus | null;
  readonly jobType: string | null;
  readonly userId: string | null;
  readonly createdAfter: Date | null;
  readonly createdBefore: Date | null;
}
