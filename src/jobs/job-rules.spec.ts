import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { averageLatencyMs, CREDITS_PER_JOB, isCharged, OPEN_STATUSES } from './job-rules.js';
import { COMPLETION_STATUSES, JOB_STATUSES, type JobTotals } from './jobs.types.js';

function totals(successful: number, failed: number, running: number, latencyMs = 0): JobTotals {
  return {
    totalCalls: successful + failed + running,
    successfulCalls: successful,
    failedCalls: failed,
    runningCalls: running,
    unpricedCalls: 0,
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
    expect(isCharged('completed', calls)).toBe(expected);
  });

  it('is free exactly if it made a call, none succeeded and none runs', () => {
    fc.assert(
      fc.property(count, count, count, (successful, failed, running) => {
        const isFree = failed > 0 && successful === 0 && running === 0;
        expect(isCharged('completed', totals(successful, failed, running))).toBe(!isFree);
      }),
    );
  });
});

describe('a job that did not complete', () => {
  it.each(COMPLETION_STATUSES.filter((status) => status !== 'completed'))(
    'but is %s is free, whatever its calls did',
    (status) => {
      fc.assert(
        fc.property(count, count, count, (successful, failed, running) => {
          expect(isCharged(status, totals(successful, failed, running))).toBe(false);
        }),
      );
    },
  );
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

  it('cost one credit', () => {
    expect(CREDITS_PER_JOB).toBe(1);
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
