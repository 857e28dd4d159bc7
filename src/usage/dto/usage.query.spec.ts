import { describe, expect, it } from '@jest/globals';
import { DomainError, type FieldError } from '../../common/domain-error.js';
import { toPeriod, UsageQuery } from './usage.query.js';

const NOW = new Date('2026-11-24T09:30:00Z');

type Query = Partial<Record<'period' | 'start_date' | 'end_date', string>>;

function periodOf(query: Query, now = NOW): [string, string, string] {
  const { name, from, to } = toPeriod(Object.assign(new UsageQuery(), query), now);
  return [name, from.toISOString(), to.toISOString()];
}

function errorsOf(query: Query): readonly FieldError[] {
  try {
    toPeriod(Object.assign(new UsageQuery(), query), NOW);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'validation_failed') {
      return error.details['errors'] as FieldError[];
    }
    throw error;
  }
  return [];
}

describe('the period of a report', () => {
  it('is a UTC month', () => {
    expect(periodOf({ period: '2024-02' })).toEqual([
      '2024-02',
      '2024-02-01T00:00:00.000Z',
      '2024-03-01T00:00:00.000Z',
    ]);
  });

  it('is the current UTC month when nothing is asked for', () => {
    expect(periodOf({})).toEqual(['2026-11', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z']);
    // Still November in UTC, whatever the clock on the wall says.
    expect(periodOf({}, new Date('2026-12-01T00:30:00+01:00'))[0]).toBe('2026-11');
  });

  it('is from one day through another, the last one included', () => {
    expect(periodOf({ start_date: '2026-11-01', end_date: '2026-11-30' })).toEqual([
      '2026-11-01/2026-11-30',
      '2026-11-01T00:00:00.000Z',
      '2026-12-01T00:00:00.000Z',
    ]);
  });

  it('may be a single day', () => {
    expect(periodOf({ start_date: '2024-02-29', end_date: '2024-02-29' })).toEqual([
      '2024-02-29/2024-02-29',
      '2024-02-29T00:00:00.000Z',
      '2024-03-01T00:00:00.000Z',
    ]);
  });

  it.each(['', '2026', '2026-13', '2026-1', '2026-11-24', 'last month'])('is not %j', (period) => {
    expect(errorsOf({ period })).toEqual([
      { field: 'period', code: 'invalid_period', message: 'period must be a month such as 2026-11' },
    ]);
  });

  it.each([
    { period: '2026-11', start_date: '2026-11-01', end_date: '2026-11-30' },
    { period: '2026-11', start_date: '2026-11-01' },
    { period: '2026-11', end_date: '2026-11-30' },
  ])('is not both a month and days: %j', (query) => {
    expect(errorsOf(query).map(({ field, code }) => [field, code])).toEqual([['period', 'ambiguous_period']]);
  });

  it.each<[Query, string[]]>([
    [{ start_date: '2026-11-01' }, ['end_date']],
    [{ end_date: '2026-11-30' }, ['start_date']],
    [{ start_date: '2026-02-30', end_date: '2026-03-01' }, ['start_date']],
    [{ start_date: '2026-02-01', end_date: '2026-02-29' }, ['end_date']],
    [{ start_date: 'x', end_date: 'y' }, ['start_date', 'end_date']],
    [{ start_date: '', end_date: '' }, ['start_date', 'end_date']],
    [{ start_date: '2026-11-01T00:00:00Z', end_date: '2026-11-30' }, ['start_date']],
  ])('of %j is refused, naming every day that is not one', (query, fields) => {
    expect(errorsOf(query)).toEqual(
      fields.map((field) => ({
        field,
        code: 'invalid_date',
        message: `${field} must be a day such as 2026-11-24`,
      })),
    );
  });

  it('does not run backwards', () => {
    expect(errorsOf({ start_date: '2026-11-02', end_date: '2026-11-01' })).toEqual([
      { field: 'end_date', code: 'invalid_period', message: 'end_date must not be before start_date' },
    ]);
  });
});
