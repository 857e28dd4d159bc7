import { describe, expect, it } from '@jest/globals';
import { runWithin, TimeLimitReached } from './time-limit.js';

describe('work with a time limit', () => {
  it('gives what it makes, and throws what it throws', () => {
    expect(runWithin(1_000, () => 7)).toBe(7);
    expect(() =>
      runWithin(1_000, () => {
        throw new RangeError('too far');
      }),
    ).toThrow(new RangeError('too far'));
  });

  it.each<[string, () => unknown]>([
    [
      'a loop',
      () => {
        for (;;);
      },
    ],
    ['a regular expression that goes round in circles', () => /^(a+)+$/.test(`${'a'.repeat(60)}b`)],
  ])('is stopped in %s', (_, work) => {
    expect(() => runWithin(20, work)).toThrow(TimeLimitReached);
  });

  it('leaves nothing behind for the next', () => {
    expect(() => runWithin(20, () => /^(a+)+$/.test(`${'a'.repeat(60)}b`))).toThrow(TimeLimitReached);
    expect(runWithin(1_000, () => 'next')).toBe('next');
  });
});
