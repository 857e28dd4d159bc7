import { describe, expect, it } from '@jest/globals';
import { creditsDue, termsOf } from './budget-rules.js';
import {
  type BudgetMode,
  type BudgetTerms,
  DEFAULT_BUDGET,
  type DefaultTerms,
  type JobTypeTerms,
  type TeamBudget,
} from './budgets.types.js';

function terms(budgetMode: BudgetMode, change: Partial<BudgetTerms> = {}): BudgetTerms {
  return { budgetMode, creditsPerDollar: '10', tokensPerCredit: 10_000, ...change };
}

describe('the credits due for a job', () => {
  it('are its price where credits are charged by the job, whatever it consumed', () => {
    expect(creditsDue(terms('job_based'), 3, { totalCostUsd: '99', totalTokens: 1e9 })).toBe(3);
  });

  it.each([
    // 1.52, 0.1, nothing, exactly 1, a hair more than 1, a hair less than 2
    ['0.152', '10', 2],
    ['0.01', '10', 1],
    ['0', '10', 1],
    ['0.1', '10', 1],
    ['0.100000000001', '10', 2],
    ['0.199999999999', '10', 2],
    // In binary floats 1.1 × 10 would be 11.000000000000002 and cost a twelfth credit.
    ['1.1', '10', 11],
    ['0.07', '100', 7],
    // 3 × 0.333333 = 0.999999; 1,000,000 × 0.000001 = 1
    ['3', '0.333333', 1],
    ['1000000', '0.000001', 1],
    ['1000000.000001', '0.000001', 2],
    ['10.000000000000', '10.000000', 100],
  ])('are %s USD × %s rounded up: %i', (totalCostUsd, creditsPerDollar, credits) => {
    const due = creditsDue(terms('consumption_usd', { creditsPerDollar }), 7, {
      totalCostUsd,
      totalTokens: 0,
    });
    expect(due).toBe(credits);
  });

  it.each([
    [45_000, 10_000, 5],
    [0, 10_000, 1],
    [1, 10_000, 1],
    [10_000, 10_000, 1],
    [10_001, 10_000, 2],
    [20_000, 10_000, 2],
    [7, 3, 3],
    [6, 3, 2],
    [Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER],
    // (2^53 − 1) ÷ 2 = 4,503,599,627,370,495.5
    [Number.MAX_SAFE_INTEGER, 2, 4_503_599_627_370_496],
    [1, 1_000_000_000_000, 1],
  ])('are %i tokens ÷ %i rounded up: %i', (totalTokens, tokensPerCredit, credits) => {
    const due = creditsDue(terms('consumption_tokens', { tokensPerCredit }), 7, {
      totalCostUsd: '5',
      totalTokens,
    });
    expect(due).toBe(credits);
  });

  it('are never more than JSON can carry', () => {
    // 999,999,999,999 × 1,000,000 is about 10^18.
    const due = creditsDue(terms('consumption_usd', { creditsPerDollar: '1000000' }), 1, {
      totalCostUsd: '999999999999.999999999999',
      totalTokens: 0,
    });
    expect(due).toBe(9_007_199_254_740_991);
  });
});

describe('what holds for a job', () => {
  const updatedAt = new Date('2026-11-24T09:30:00Z');
  const budget: TeamBudget = {
    ...DEFAULT_BUDGET,
    teamId: 'team',
    updatedAt,
    fairOutcome: 'allowance',
    freeEndings: 3,
    freeEndingsWindowDays: 7,
  };
  const own: JobTypeTerms = {
    teamId: 'team',
    jobType: 'report',
    creditsPerJob: null,
    holdCredits: null,
    fairOutcome: null,
    freeEndings: null,
    freeEndingsWindowDays: null,
    timeToLiveMs: null,
    mayRetryAmbiguous: null,
    updatedAt,
  };

  const defaults: DefaultTerms = { timeToLiveMs: 1_000, mayRetryAmbiguous: true };

  it('is what the team has, one credit, and what the deployment says', () => {
    for (const ofType of [null, own]) {
      expect(termsOf(budget, ofType, { timeToLiveMs: 86_400_000, mayRetryAmbiguous: false })).toEqual({
        budgetMode: 'job_based',
        creditsPerDollar: '10',
        tokensPerCredit: 10_000,
        fairOutcome: 'allowance',
        freeEndings: 3,
        freeEndingsWindowDays: 7,
        holdCredits: 1,
        timeToLiveMs: 86_400_000,
        mayRetryAmbiguous: false,
      });
    }
  });

  it.each([
    ['job_based', 4],
    ['consumption_usd', 9],
    ['consumption_tokens', 9],
  ] as const)(
    'sets aside, by %s, %i credits of a type with a price of 4 and an estimate of 9',
    (mode, held) => {
      const ofType = { ...own, creditsPerJob: 4, holdCredits: 9 };
      expect(termsOf({ ...budget, budgetMode: mode }, ofType, defaults).holdCredits).toBe(held);
    },
  );

  it('takes the time to live of the type', () => {
    expect(termsOf(budget, { ...own, timeToLiveMs: 5_000 }, defaults).timeToLiveMs).toBe(5_000);
  });

  it.each([
    [null, true, true],
    [null, false, false],
    [true, false, true],
    [false, true, false],
  ])(
    'may, of a type that says %s where the deployment says %s, try another model after a doubtful end: %s',
    (ofType, ofDeployment, expected) => {
      const terms = termsOf(
        budget,
        { ...own, mayRetryAmbiguous: ofType },
        { ...defaults, mayRetryAmbiguous: ofDeployment },
      );
      expect(terms.mayRetryAmbiguous).toBe(expected);
    },
  );

  it('takes the rule of the type with what the type says of the allowance, and the rest of the team', () => {
    const ofType = { ...own, fairOutcome: 'allowance', freeEndings: 1 } as const;
    expect(termsOf(budget, ofType, defaults)).toMatchObject({
      fairOutcome: 'allowance',
      freeEndings: 1,
      freeEndingsWindowDays: 7,
    });
    expect(termsOf(budget, { ...own, fairOutcome: 'server_observed' }, defaults).fairOutcome).toBe(
      'server_observed',
    );
  });

  it('does not mix an allowance without a rule of the type into the rule of the team', () => {
    expect(termsOf(budget, { ...own, freeEndings: 100 }, defaults).freeEndings).toBe(3);
  });
});
