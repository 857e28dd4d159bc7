import { monthOf } from '../common/time.js';
import type { DueRefill, RefillPeriod, TeamRefills } from './refills.types.js';

const DAY_MS = 86_400_000;

/**
 * The refill that is due now, or null: by the calendar first, then below the threshold. One at a time; what else
 * is due is due at the next look.
 *
 * @param available credits of the team
 */
export function dueRefill(refills: TeamRefills, available: number, now: Date): DueRefill | null {
  const { isEnabled, refillAmount, refillPeriod, refillThreshold, monthlyCeiling } = refills;
  if (!isEnabled || refillAmount === null) return null;
  const month = monthOf(now);
  // Clocks of replicas differ: one that is behind must not begin to count a month that is over.
  if (refills.month !== null && refills.month > month) return null;
  if (monthlyCeiling !== null && creditsOfMonth(refills, month) + refillAmount > monthlyCeiling) return null;
  if (refillPeriod !== null) {
    const key = periodKey(refillPeriod, now);
    const reference = `refill:${refillPeriod}:${key}`;
    if (reference !== refills.periodReference) {
      return {
        credits: refillAmount,
        reference,
        reason: `Automatic ${refillPeriod} refill, ${key}`,
        trigger: 'period',
      };
    }
  }
  if (refillThreshold !== null && available < refillThreshold) {
    return {
      credits: refillAmount,
      reference: `refill:threshold:${String(refills.thresholdRefills + 1)}`,
      reason: `Automatic refill below ${String(refillThreshold)} credits`,
      trigger: 'threshold',
    };
  }
  return null;
}

/** Credits that refills have granted in a month (`YYYY-MM`). */
export function creditsOfMonth(refills: TeamRefills, month: string): number {
  return refills.month === month ? refills.monthCredits : 0;
}

/** The name of the period that an instant lies in, in UTC: `2026-11`, `2026-W48`, `2026-11-24`. */
export function periodKey(period: RefillPeriod, instant: Date): string {
  switch (period) {
    case 'monthly':
      return monthOf(instant);
    case 'weekly':
      return isoWeekOf(instant);
    case 'daily':
      return instant.toISOString().slice(0, 10);
  }
}

/** ISO 8601: weeks begin on Monday, and belong to the year that has their Thursday. */
function isoWeekOf(instant: Date): string {
  const daysAfterMonday = (instant.getUTCDay() + 6) % 7;
  const thursday = new Date(instant.getTime() + (3 - daysAfterMonday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const dayOfYear = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS);
  const week = Math.floor(dayOfYear / 7) + 1;
  return `${String(year)}-W${String(week).padStart(2, '0')}`;
}
