import { describe, expect, it } from '@jest/globals';
import { dueRefill, periodKey } from './refill-rules.js';
import type { TeamRefills } from './refills.types.js';

const NOW = new Date('2026-11-24T09:30:00.000Z');

function refills(change: Partial<TeamRefills> = {}): TeamRefills {
  return {
    teamId: 'team',
    isEnabled: true,
    refillAmount: 50,
    refillPeriod: null,
    refillThreshold: null,
    monthlyCeiling: null,
    periodReference: null,
    thresholdRefills: 0,
    month: null,
    monthCredits: 0,
    lastRefillAt: null,
    updatedAt: NOW,
    ...change,
  };
}

describe('the name of a period', () => {
  // By the calendar of ISO 8601: 2026 begins on a Thursday and has 53 weeks, 2024 ends on a Tuesday.
  it.each([
    ['2026-11-24T09:30:00.000Z', '2026-W48'],
    ['2026-11-29T23:59:59.999Z', '2026-W48'],
    ['2026-11-30T00:00:00.000Z', '2026-W49'],
    ['2026-01-01T00:00:00.000Z', '2026-W01'],
    ['2025-12-29T00:00:00.000Z', '2026-W01'],
    ['2025-12-28T23:59:59.999Z', '2025-W52'],
    ['2024-12-31T12:00:00.000Z', '2025-W01'],
    ['2027-01-03T23:59:59.999Z', '2026-W53'],
    ['2027-01-04T00:00:00.000Z', '2027-W01'],
    ['2021-01-03T12:00:00.000Z', '2020-W53'],
  ])('is, of the week of %s, %s', (instant, key) => {
    expect(periodKey('weekly', new Date(instant))).toBe(key);
  });

  it('is, of a month and of a day, that of UTC', () => {
    // In New York it is still November.
    const instant = new Date('2026-11-30T23:30:00-05:00');
    expect(periodKey('monthly', instant)).toBe('2026-12');
    expect(periodKey('daily', instant)).toBe('2026-12-01');
  });
});

describe('a refill', () => {
  it('is due once in a period, whatever is available', () => {
    const monthly = refills({ refillPeriod: 'monthly' });
    expect(dueRefill(monthly, 1_000, NOW)).toMatchObject({
      credits: 50,
      reference: 'refill:monthly:2026-11',
      trigger: 'period',
    });
    const done = { ...monthly, periodReference: 'refill:monthly:2026-11' };
    expect(dueRefill(done, 0, NOW)).toBeNull();
    expect(dueRefill(done, 0, new Date('2026-12-01T00:00:00.000Z'))?.reference).toBe(
      'refill:monthly:2026-12',
    );
  });

  it('is not made up for a period that is over', () => {
    const behind = refills({ refillPeriod: 'monthly', periodReference: 'refill:monthly:2026-08' });
    expect(dueRefill(behind, 0, NOW)?.reference).toBe('refill:monthly:2026-11');
  });

  it('is due below the threshold, and not at it', () => {
    const below = refills({ refillThreshold: 20, thresholdRefills: 6 });
    expect(dueRefill(below, 20, NOW)).toBeNull();
    expect(dueRefill(below, 19, NOW)).toMatchObject({
      credits: 50,
      reference: 'refill:threshold:7',
      trigger: 'threshold',
    });
    expect(dueRefill(below, -5, NOW)?.trigger).toBe('threshold');
  });

  it('is by the calendar first where both are due', () => {
    const both = refills({ refillPeriod: 'daily', refillThreshold: 20 });
    expect(dueRefill(both, 0, NOW)?.trigger).toBe('period');
    expect(dueRefill({ ...both, periodReference: 'refill:daily:2026-11-24' }, 0, NOW)?.trigger).toBe(
      'threshold',
    );
  });

  it('is never due in part: one that would exceed the ceiling of the month waits for the next', () => {
    const ceiling = refills({ refillThreshold: 20, monthlyCeiling: 120, month: '2026-11' });
    expect(dueRefill({ ...ceiling, monthCredits: 70 }, 0, NOW)).not.toBeNull();
    expect(dueRefill({ ...ceiling, monthCredits: 71 }, 0, NOW)).toBeNull();
    const december = new Date('2026-12-01T00:00:00.000Z');
    expect(dueRefill({ ...ceiling, monthCredits: 120 }, 0, december)).not.toBeNull();
  });

  it('is not made by a clock that is behind the last one, in a month that is over', () => {
    const ahead = refills({ refillThreshold: 20, month: '2026-12', monthCredits: 50 });
    expect(dueRefill(ahead, 0, NOW)).toBeNull();
  });

  it('is not due where refills are switched off', () => {
    expect(
      dueRefill(refills({ isEnabled: false, refillPeriod: 'daily', refillThreshold: 9 }), 0, NOW),
    ).toBeNull();
  });
});
