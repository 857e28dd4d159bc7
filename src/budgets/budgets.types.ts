export const BUDGET_MODES = ['job_based', 'consumption_usd', 'consumption_tokens'] as const;
export type BudgetMode = (typeof BUDGET_MODES)[number];

export const FAIR_OUTCOMES = ['trusted', 'server_observed', 'allowance'] as const;
export type FairOutcome = (typeof FAIR_OUTCOMES)[number];

/** What a credit buys. A job keeps the terms under which it was created. */
export interface BudgetTerms {
  readonly budgetMode: BudgetMode;
  /** Decimal text; of `consumption_usd`. */
  readonly creditsPerDollar: string;
  /** Of `consumption_tokens`. */
  readonly tokensPerCredit: number;
}

/** When a job that failed, was cancelled or has expired is free. */
export interface EndingTerms {
  readonly fairOutcome: FairOutcome;
  /** Of `allowance`: so many free endings per window, after a call that succeeded or still runs. */
  readonly freeEndings: number;
  readonly freeEndingsWindowDays: number;
}

/** The budget of a team, which holds for every type of job that has no terms of its own. */
export interface TeamBudget extends BudgetTerms, EndingTerms {
  readonly teamId: string;
  readonly updatedAt: Date;
}

/** Terms of one type of job; what is null is as for the team, or as the deployment is set. */
export interface JobTypeTerms {
  readonly teamId: string;
  readonly jobType: string;
  /** Of `job_based`; whole credits. */
  readonly creditsPerJob: number | null;
  /** Of the consumption modes: what is set aside, whole credits. */
  readonly holdCredits: number | null;
  readonly fairOutcome: FairOutcome | null;
  readonly freeEndings: number | null;
  readonly freeEndingsWindowDays: number | null;
  readonly timeToLiveMs: number | null;
  /** See {@link JobTerms.mayRetryAmbiguous}; null is as for the deployment. */
  readonly mayRetryAmbiguous: boolean | null;
  readonly updatedAt: Date;
}

export type NewJobTypeTerms = Omit<JobTypeTerms, 'teamId' | 'jobType' | 'updatedAt'>;

/** Characters, as of a job's type. */
export const MAX_JOB_TYPE_LENGTH = 128;

/** What holds for a job of one type. */
export interface JobTerms extends BudgetTerms, EndingTerms {
  /** Set aside when a job is created: its price, or an estimate of it. */
  readonly holdCredits: number;
  readonly timeToLiveMs: number;
  /**
   * Whether another model may be tried after a timeout, or after a connection lost when the request had left:
   * the provider may have worked and billed, and the next one bills again.
   */
  readonly mayRetryAmbiguous: boolean;
}

/** What the deployment says where neither a type nor a team does. */
export type DefaultTerms = Pick<JobTerms, 'timeToLiveMs' | 'mayRetryAmbiguous'>;

/** What a job has consumed, of every attempt. */
export interface Consumption {
  /** Decimal text: the known part of it. */
  readonly totalCostUsd: string;
  readonly totalTokens: number;
}

export const DEFAULT_BUDGET: BudgetTerms & EndingTerms = {
  budgetMode: 'job_based',
  creditsPerDollar: '10',
  tokensPerCredit: 10_000,
  fairOutcome: 'trusted',
  freeEndings: 0,
  freeEndingsWindowDays: 30,
};

/** Credits that a job costs, or is estimated to cost, where its type has no terms that say otherwise. */
export const DEFAULT_CREDITS_PER_JOB = 1;
