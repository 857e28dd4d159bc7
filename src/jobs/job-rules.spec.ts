import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EndingTerms, FairOutcome } from '../budgets/budgets.types.js';
import { averageLatencyMs, decideCompletion, decideEnding, OPEN_STATUSES } from './job-rules.js';
import { COMPLETION_STATUSES, JOB_STATUSES, type JobTotals } from './jobs.types.js';

function totals(successful: number, failed: number, running: number, latencyMs = 0): JobTotals {
  return {
    totalCalls: successful + failed + running,
    successfulCalls: successful,
    failedCalls: failed,
    runningCalls: running,
    unpricedCalls: 0,
    schemaMissedCalls: 0,
    totalTokens: 0,
    totalCostUsd: '0',
    totalLatencyMs: latencyMs,
  };
}

const count = fc.integer({ min: 0, max: 5 });

describe('a completed job', () => {
  it.each<[string, JobTotals, boolean]>([
    ['without calls is charged', totals(0, 0, 0), true],
    ['of successful calls is charged', totals(3, 0, 0), true],
    ['whose one call failed is free', totals(0, 1, 0), false],
    ['whose calls all failed is free', totals(0, 4, 0), false],
    ['with one failed call among successes is charged', totals(2, 1, 0), true],
    ['with one success among failures is charged', totals(1, 5, 0), true],
    ['with a running call and none failed is charged', totals(0, 0, 1), true],
    ['with a running call and failed ones is charged', totals(0, 2, 1), true],
  ])('%s', (_, calls, expected) => {
    expect(decideCompletion(calls)).toEqual({
      isCharged: expected,
      rule: expected ? 'completed' : 'all_calls_failed',
    });
  });

  it('is free exactly if it made a call, none succeeded and none runs', () => {
    fc.assert(
      fc.property(count, count, count, (successful, failed, running) => {
        const isFree = failed > 0 && successful === 0 && running === 0;
        expect(decideCompletion(totals(successful, failed, running)).isCharged).toBe(!isFree);
      }),
    );
  });
});

const terms = (fairOutcome: FairOutcome, freeEndings = 0): EndingTerms => ({
  fairOutcome,
  freeEndings,
  freeEndingsWindowDays: 30,
});

describe('a job that did not complete', () => {
  it('is free of a trusted team, whatever its calls did', () => {
    fc.assert(
      fc.property(count, count, count, count, (successful, failed, running, used) => {
        const decision = decideEnding(totals(successful, failed, running), terms('trusted'), used);
        expect(decision).toEqual({ isCharged: false, rule: 'trusted' });
      }),
    );
  });

  it.each<[string, JobTotals, boolean]>([
    ['made no call', totals(0, 0, 0), false],
    ['saw a call fail', totals(0, 1, 0), false],
    ['saw one call of several fail', totals(4, 1, 0), false],
    ['saw its calls succeed', totals(2, 0, 0), true],
    ['has a call running', totals(0, 0, 1), true],
    ['got an answer that missed its schema', { ...totals(2, 0, 0), schemaMissedCalls: 1 }, false],
  ])('of an observed team that %s: charged is %s', (_, calls, expected) => {
    expect(decideEnding(calls, terms('server_observed'), 0)).toEqual({
      isCharged: expected,
      rule: 'server_observed',
    });
  });

  it.each<[string, JobTotals, number, boolean]>([
    ['none left, but every call failed', totals(0, 3, 0), 2, false],
    ['none left, and a call running', totals(0, 3, 1), 2, true],
    ['one left, and a call running', totals(0, 0, 1), 1, false],
    ['the first of two', totals(1, 0, 0), 0, false],
    ['the second of two', totals(1, 4, 0), 1, false],
    ['none left', totals(1, 4, 0), 2, true],
    ['more used than there are now', totals(1, 0, 0), 7, true],
  ])('of a team with an allowance of two, %s: charged is right', (_, calls, used, expected) => {
    expect(decideEnding(calls, terms('allowance', 2), used)).toEqual({
      isCharged: expected,
      rule: 'allowance',
    });
  });
});

describe('the states of a job', () => {
  it('are open until one of the four ends', () => {
    expect(OPEN_STATUSES).toEqual(['pending', 'in_progress']);
    expect(JOB_STATUSES.filter((status) => !OPEN_STATUSES.includes(status))).toEqual([
      'completed',
      'failed',
      'cancelled',
      'expired',
    ]);
  });

  it('never let a client ask for an end that is still open', () => {
    expect(COMPLETION_STATUSES.filter((status) => OPEN_STATUSES.includes(status))).toEqual([]);
  });
});

describe('the average latency', () => {
  it('is of the successful calls, in whole milliseconds', () => {
    expect(averageLatencyMs(totals(3, 0, 0, 2349))).toBe(783);
    expect(averageLatencyMs(totals(3, 5, 2, 2349))).toBe(783);
    expect(averageLatencyMs(totals(2, 0, 0, 5))).toBe(3);
    expect(averageLatencyMs(totals(3, 0, 0, 4))).toBe(1);
  });

  it('is 0 where no call succeeded', () => {
    expect(averageLatencyMs(totals(0, 4, 1))).toBe(0);
    expect(averageLatencyMs(totals(0, 0, 0))).toBe(0);
  });
});
