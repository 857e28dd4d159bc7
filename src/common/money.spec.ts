import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { averageUsd, parseCostUsd, sumUsd, toJsonNumber } from './money.js';

/** Picodollars: the whole numbers that 12 decimals stand for. */
const picodollars = fc.bigInt({ min: 0n, max: 1_000_000n * 10n ** 12n });

function toDecimal(amount: bigint): string {
  return `${String(amount / 10n ** 12n)}.${String(amount % 10n ** 12n).padStart(12, '0')}`;
}

function toPicodollars(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

describe('the cost that an upstream wrote', () => {
  it.each([
    ['0', '0'],
    ['0.0', '0'],
    ['0.000867', '0.000867'],
    ['1', '1'],
    ['007', '7'],
    ['12.50', '12.5'],
    // As Python writes small floats.
    ['7.5e-08', '0.000000075'],
    ['2.34e-05', '0.0000234'],
    ['1E+2', '100'],
    ['1e2', '100'],
    ['1e-12', '0.000000000001'],
    // 0.1 + 0.2 of a float: no digit may be made up or lost before the twelfth.
    ['0.30000000000000004', '0.3'],
    ['1000000', '1000000'],
    ['999999.999999999999', '999999.999999999999'],
  ])('%s is %s', (text, expected) => {
    expect(parseCostUsd(text)).toBe(expected);
  });

  it.each([
    ['0.0000000000005', '0.000000000001'],
    ['0.00000000000049999', '0'],
    ['0.0000000000015', '0.000000000002'],
    ['0.0000000000025', '0.000000000003'],
    ['5e-13', '0.000000000001'],
    ['4.9e-13', '0'],
    ['1e-999', '0'],
    ['0.9999999999995', '1'],
  ])('%s is rounded half up to %s', (text, expected) => {
    expect(parseCostUsd(text)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    '-1',
    '-0.000001',
    '+1',
    'NaN',
    'nan',
    'Infinity',
    'inf',
    'None',
    'null',
    'free',
    '$1',
    '1,5',
    '1_000',
    '0x10',
    '1.',
    '.5',
    '1e',
    'e5',
    '1e1.5',
    '1 2',
    ' 1',
    '1\n',
    '1e9999',
    '1000000.000000000001',
    '1e7',
    '1e999',
    '9'.repeat(400),
    '٣',
  ])('%j is unknown, not free', (text) => {
    expect(parseCostUsd(text)).toBeNull();
  });

  it('comes back digit by digit as long as it has at most 12 decimals', () => {
    fc.assert(
      fc.property(picodollars, (amount) => {
        expect(toPicodollars(parseCostUsd(toDecimal(amount))!)).toBe(amount);
      }),
    );
  });

  it('is rounded half up, whatever comes after the twelfth decimal', () => {
    const rest = fc.stringMatching(/^\d{1,12}$/);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), rest, (amount, digits) => {
        const rounded = digits.charAt(0) >= '5' ? amount + 1n : amount;
        expect(toPicodollars(parseCostUsd(toDecimal(amount) + digits)!)).toBe(rounded);
      }),
    );
  });

  it('is plain decimal text or null for any text at all, read once or twice', () => {
    const numberLike = fc.stringMatching(/^[-+]?\d{0,22}\.?\d{0,22}([eE][-+]?\d{0,4})?$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), numberLike), (text) => {
        const cost = parseCostUsd(text);
        if (cost === null) return;
        expect(cost).toMatch(/^\d{1,7}(\.\d{0,11}[1-9])?$/);
        expect(parseCostUsd(cost)).toBe(cost);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('sums of amounts', () => {
  it('are exact where floats are not', () => {
    expect(sumUsd(['0.1', '0.2'])).toBe('0.3');
    expect(sumUsd(Array.from({ length: 10 }, () => '0.1'))).toBe('1');
    expect(sumUsd(['1000000000', '0.000000000001'])).toBe('1000000000.000000000001');
  });

  it('are 0 for nothing', () => {
    expect(sumUsd([])).toBe('0');
  });

  it('are those of whole picodollars', () => {
    fc.assert(
      fc.property(fc.array(picodollars, { maxLength: 20 }), (amounts) => {
        const expected = amounts.reduce((total, amount) => total + amount, 0n);
        expect(toPicodollars(sumUsd(amounts.map(toDecimal)))).toBe(expected);
      }),
    );
  });
});

describe('averages of amounts', () => {
  it.each([
    ['18.75', 250, '0.075'],
    ['1', 3, '0.333333333333'],
    ['2', 3, '0.666666666667'],
    ['0.000000000001', 2, '0.000000000001'],
    ['0.000000000001', 3, '0'],
    ['5', 1, '5'],
    ['0', 7, '0'],
  ])('of %s over %d are %s, rounded half up to 12 decimals', (total, count, expected) => {
    expect(averageUsd(total, count)).toBe(expected);
  });

  it('are 0 for nothing', () => {
    expect(averageUsd('0', 0)).toBe('0');
  });
});

describe('the JSON edge', () => {
  it('takes an amount to the nearest number, which prints as the amount', () => {
    expect(JSON.stringify(toJsonNumber('0.000867'))).toBe('0.000867');
    expect(JSON.stringify(toJsonNumber('18.750000000000'))).toBe('18.75');
    expect(JSON.stringify(toJsonNumber('0.000000000001'))).toBe('1e-12');
  });
});
