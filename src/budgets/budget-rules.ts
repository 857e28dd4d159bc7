import { Decimal } from 'decimal.js';
import {
  type BudgetTerms,
  type Consumption,
  DEFAULT_CREDITS_PER_JOB,
  type DefaultTerms,
  type JobTerms,
  type JobTypeTerms,
  type TeamBudget,
} from './budgets.types.js';

const Exact = Decimal.clone({ precision: 60 });

/** Whole credits per job are exact in JSON; so is what comes of them. */
const MAX_CREDITS = new Exact(Number.MAX_SAFE_INTEGER);

/**
 * What a charged job costs: its price, or what it has consumed, rounded up, and at least 1.
 *
 * @param price of a job where credits are charged by the job
 */
export function creditsDue(terms: BudgetTerms, price: number, consumption: Consumption): number {
  switch (terms.budgetMode) {
    case 'job_based':
      return price;
    case 'consumption_usd':
      return wholeCredits(new Exact(consumption.totalCostUsd).times(terms.creditsPerDollar));
    case 'consumption_tokens':
      return wholeCredits(new Exact(consumption.totalTokens).div(terms.tokensPerCredit));
  }
}

function wholeCredits(credits: Decimal): number {
  return Math.max(1, Exact.min(credits.ceil(), MAX_CREDITS).toNumber());
}

/** What holds for a job: what its type says, and what team and deployment have where that says nothing. */
export function termsOf(budget: TeamBudget, own: JobTypeTerms | null, defaults: DefaultTerms): JobTerms {
  const price = budget.budgetMode === 'job_based' ? own?.creditsPerJob : own?.holdCredits;
  // An allowance is one thing: a type that sets its own rule does not mix it with the team's numbers.
  const ending = own?.fairOutcome == null ? budget : { ...budget, ...definedEnding(own) };
  return {
    budgetMode: budget.budgetMode,
    creditsPerDollar: budget.creditsPerDollar,
    tokensPerCredit: budget.tokensPerCredit,
    fairOutcome: ending.fairOutcome,
    freeEndings: ending.freeEndings,
    freeEndingsWindowDays: ending.freeEndingsWindowDays,
    holdCredits: price ?? DEFAULT_CREDITS_PER_JOB,
    timeToLiveMs: own?.timeToLiveMs ?? defaults.timeToLiveMs,
    mayRetryAmbiguous: own?.mayRetryAmbiguous ?? defaults.mayRetryAmbiguous,
  };
}

function definedEnding(own: JobTypeTerms): Partial<TeamBudget> {
  return {
    ...(own.fairOutcome !== null && { fairOutcome: own.fairOutcome }),
    ...(own.freeEndings !== null && { freeEndings: own.freeEndings }),
    ...(own.freeEndingsWindowDays !== null && { freeEndingsWindowDays: own.freeEndingsWindowDays }),
  };
}
