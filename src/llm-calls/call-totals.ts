import { sumUsd } from '../common/money.js';
import type { CallTotals } from './llm-calls.types.js';

/** What the totals of a call are made of; one per attempt. */
export interface AttemptTotals {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly isEstimated: boolean;
  /** Decimal text; null while unknown. */
  readonly costUsd: string | null;
}

/**
 * The totals of a call from its attempts: every attempt's known cost counts, and one unknown cost makes
 * the call unpriced.
 */
export function totalCall(
  attempts: readonly AttemptTotals[],
  end: { isSuccessful: boolean; isSchemaMissed: boolean; latencyMs: number },
): CallTotals {
  return {
    isSuccessful: end.isSuccessful,
    isUnpriced: attempts.some((attempt) => attempt.costUsd === null),
    isSchemaMissed: end.isSchemaMissed,
    isEstimated: attempts.some((attempt) => attempt.isEstimated),
    promptTokens: sum(attempts.map((attempt) => attempt.promptTokens)),
    completionTokens: sum(attempts.map((attempt) => attempt.completionTokens)),
    totalTokens: sum(attempts.map((attempt) => attempt.totalTokens)),
    costUsd: sumUsd(attempts.flatMap((attempt) => attempt.costUsd ?? [])),
    latencyMs: end.isSuccessful ? end.latencyMs : 0,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
