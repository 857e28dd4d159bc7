import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { monthOf, nextDay, parseDay, parseInstant, parseMonth } from './time.js';

describe('a day', () => {
  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29', '2000-02-29T00:00:00.000Z'],
    ['1970-01-01', '1970-01-01T00:00:00.000Z'],
    ['9998-12-31', '9998-12-31T00:00:00.000Z'],
  ])('%s begins at %s', (text, start) => {
    expect(parseDay(text)?.toISOString()).toBe(start);
  });

  it.each([
    '2026-02-29',
    '2100-02-29',
    '2026-02-30',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '2026-11-00',
    '2026-11-32',
    '1969-12-31',
    '9999-01-01',
    '0000-01-01',
    '2026-11',
    '2026-1-1',
    '26-11-24',
    '2026/11/24',
    '20261124',
    '+002026-11-24',
    '2026-11-24 ',
    '2026-11-24\n',
    '2026-11-24T00:00:00Z',
    '',
  ])('is not %j', (text) => {
    expect(parseDay(text)).toBeNull();
  });

  it('of every calendar date comes back as it was written', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9998-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        const text = date.toISOString().slice(0, 10);
        expect(parseDay(text)?.toISOString()).toBe(`${text}T00:00:00.000Z`);
      }),
    );
  });
});

describe('an instant', () => {
  it.each([
    ['2026-11-24T09:30:00Z', '2026-11-24T09:30:00.000Z'],
    ['2026-11-24T09:30Z', '2026-11-24T09:30:00.000Z'],
    ['2026-11-24T09:30:00.5Z', '2026-11-24T09:30:00.500Z'],
    ['2026-11-24T09:30:00.123456789Z', '2026-11-24T09:30:00.123Z'],
    ['2026-11-24T09:30:00+01:00', '2026-11-24T08:30:00.000Z'],
    ['2026-11-24T00:30:00+05:45', '2026-11-23T18:45:00.000Z'],
    ['2026-11-24T23:30:00-08:00', '2026-11-25T07:30:00.000Z'],
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(parseInstant(text)?.toISOString()).toBe(expected);
  });

  it.each([
    // Without an offset it would be the server's local time.
    '2026-11-24T09:30:00',
    '2026-02-30T09:30:00Z',
    '2026-11-24T25:00:00Z',
    '2026-11-24T09:60:00Z',
    '2026-11-24T09:30:60Z',
    '2026-11-24T09:30:00+24:00',
    '2026-11-24T09:30:00+0100',
    '2026-11-24T09:30:00z',
    '2026-11-24t09:30:00Z',
    '2026-11-24 09:30:00Z',
    '2026-11-24T09:30:00.Z',
    '2026-11-24T09Z',
    '1969-12-31T23:59:59Z',
    '9999-01-01T00:00:00Z',
    'Tue, 24 Nov 2026 09:30:00 GMT',
    '1795512600',
    'yesterday',
    '',
  ])('is not %j', (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});

describe('a month', () => {
  it.each([
    ['2026-11', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['9998-12', '9998-12-01T00:00:00.000Z', '9999-01-01T00:00:00.000Z'],
  ])('%s goes from %s up to %s', (text, from, to) => {
    const month = parseMonth(text);

    expect([month?.from.toISOString(), month?.to.toISOString()]).toEqual([from, to]);
  });

  it.each([
    '',
    '2026',
    '2026-1',
    '2026-00',
    '2026-13',
    '2026-11-01',
    '1969-12',
    '9999-01',
    '2026-11 ',
    'now',
  ])('is not %j', (text) => {
    expect(parseMonth(text)).toBeNull();
  });

  it('of an instant is that of UTC', () => {
    expect(monthOf(new Date('2026-11-30T23:59:59.999Z'))).toBe('2026-11');
    expect(monthOf(new Date('2026-12-01T00:30:00+01:00'))).toBe('2026-11');
  });
});

describe('the day after', () => {
  it.each([
    ['2026-11-30', '2026-12-01'],
    ['2026-12-31', '2027-01-01'],
    ['2024-02-28', '2024-02-29'],
    // Clocks change in Europe on this day; a UTC day has 24 hours all the same.
    ['2026-10-25', '2026-10-26'],
  ])('%s is %s', (day, expected) => {
    expect(nextDay(parseDay(day)!).toISOString()).toBe(`${expected}T00:00:00.000Z`);
  });
});
