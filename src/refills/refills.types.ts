export const REFILL_PERIODS = ['monthly', 'weekly', 'daily'] as const;
export type RefillPeriod = (typeof REFILL_PERIODS)[number];

/** What the operator says of a team's refills. */
export interface RefillTerms {
  readonly isEnabled: boolean;
  /** Whole credits of one refill. */
  readonly refillAmount: number | null;
  /** One refill in each; null for none by the calendar. */
  readonly refillPeriod: RefillPeriod | null;
  /** A refill whenever fewer credits than this are available; null for none of this kind. */
  readonly refillThreshold: number | null;
  /** Most credits that refills grant in a UTC month; null for no such limit. */
  readonly monthlyCeiling: number | null;
}

/** The terms, and what has come of them. */
export interface TeamRefills extends RefillTerms {
  readonly teamId: string;
  /** Reference of the last refill by the calendar. */
  readonly periodReference: string | null;
  /** How many refills below a threshold there were, so that each has a reference of its own. */
  readonly thresholdRefills: number;
  /** The month (`YYYY-MM`) that {@link monthCredits} counts. */
  readonly month: string | null;
  readonly monthCredits: number;
  readonly lastRefillAt: Date | null;
  readonly updatedAt: Date;
}

/** A refill that is due. */
export interface DueRefill {
  readonly credits: number;
  /** Of the grant: what has it is granted once, whatever happens. */
  readonly reference: string;
  readonly reason: string;
  readonly trigger: 'period' | 'threshold';
}

export const NO_REFILLS: RefillTerms = {
  isEnabled: false,
  refillAmount: null,
  refillPeriod: null,
  refillThreshold: null,
  monthlyCeiling: null,
};
