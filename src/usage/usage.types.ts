/** What the ended jobs of a period come to. Amounts are decimal text. */
export interface JobTypeUsage {
  readonly jobType: string;
  readonly totalJobs: number;
  readonly successfulJobs: number;
  readonly failedJobs: number;
  readonly cancelledJobs: number;
  readonly totalTokens: number;
  readonly totalCostUsd: string;
  readonly unpricedCalls: number;
}
