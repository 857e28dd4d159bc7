/** What the ended jobs of one team in a period come to. */
export interface TeamUsage {
  readonly teamId: string;
  readonly totalJobs: number;
  readonly completedJobs: number;
  readonly failedJobs: number;
  readonly cancelledJobs: number;
  readonly creditsUsed: number;
  readonly totalTokens: number;
  /** Decimal text. */
  readonly totalCostUsd: string;
  readonly unpricedCalls: number;
}

/** What there is right now. */
export interface Dashboard {
  readonly organizations: number;
  readonly teams: number;
  readonly modelGroups: number;
  readonly totalCredits: number;
  readonly creditsRemaining: number;
  readonly creditsUsed: number;
}

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
