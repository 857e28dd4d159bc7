import { describe, expect, it } from '@jest/globals';
import { type AttemptTotals, totalCall } from './call-totals.js';

function attempt(costUsd: string | null, promptTokens = 0, completionTokens = 0): AttemptTotals {
  const totalTokens = promptTokens + completionTokens;
  return { promptTokens, completionTokens, totalTokens, isEstimated: false, costUsd };
}

const SUCCESS = { isSuccessful: true, isSchemaMissed: false, latencyMs: 842 };
const FAILURE = { isSuccessful: false, isSchemaMissed: false, latencyMs: 842 };

describe('the totals of a call', () => {
  it('are those of its one attempt', () => {
    expect(totalCall([attempt('0.000023', 24, 33)], SUCCESS)).toEqual({
      isSuccessful: true,
      isUnpriced: false,
      isSchemaMissed: false,
      isEstimated: false,
      promptTokens: 24,
      completionTokens: 33,
      totalTokens: 57,
      costUsd: '0.000023',
      latencyMs: 842,
    });
  });

  it('count every attempt: a model that failed was paid for all the same', () => {
    const totals = totalCall([attempt('0.1', 10, 0), attempt('0.2', 10, 5), attempt('0')], SUCCESS);

    expect(totals).toMatchObject({ promptTokens: 20, completionTokens: 5, totalTokens: 25, costUsd: '0.3' });
  });

  it('are unpriced with one unknown cost, and keep the known ones', () => {
    const totals = totalCall([attempt(null, 3, 0), attempt('0.25', 3, 4)], SUCCESS);

    expect(totals).toMatchObject({ isUnpriced: true, costUsd: '0.25', totalTokens: 10 });
  });

  it('are unpriced and zero where no cost is known', () => {
    expect(totalCall([attempt(null)], SUCCESS)).toMatchObject({ isUnpriced: true, costUsd: '0' });
  });

  it('are priced where an attempt is known to have cost nothing', () => {
    expect(totalCall([attempt('0')], FAILURE)).toMatchObject({ isUnpriced: false, costUsd: '0' });
  });

  it('keep the total that the upstream reported, even if it is more than prompt and completion', () => {
    const reasoning = {
      promptTokens: 9,
      completionTokens: 3,
      totalTokens: 40,
      isEstimated: false,
      costUsd: '1',
    };

    expect(totalCall([reasoning, attempt('1', 1, 1)], SUCCESS).totalTokens).toBe(42);
  });

  it('are estimated with one attempt whose tokens are guessed', () => {
    expect(totalCall([attempt('1', 3, 4), attempt('1', 3, 4)], SUCCESS).isEstimated).toBe(false);
    expect(totalCall([attempt('1'), { ...attempt('1', 3, 4), isEstimated: true }], SUCCESS).isEstimated).toBe(
      true,
    );
  });

  it('have a latency only if the call succeeded, so that failures do not shift the average', () => {
    expect(totalCall([attempt('1')], SUCCESS).latencyMs).toBe(842);
    expect(totalCall([attempt('1')], FAILURE)).toMatchObject({ isSuccessful: false, latencyMs: 0 });
  });

  it('add money exactly: three tenths of a picodollar-rounded cost stay three', () => {
    expect(
      totalCall(
        Array.from({ length: 3 }, () => attempt('0.000000000001')),
        SUCCESS,
      ).costUsd,
    ).toBe('0.000000000003');
  });
});
