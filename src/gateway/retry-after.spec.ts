import { describe, expect, it } from '@jest/globals';
import { readRetryAfter, type ResponseHeaders } from './retry-after.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');

describe('a wish to be left alone', () => {
  it.each<[ResponseHeaders, number | null]>([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': ' 1.5 ' }, 1_500],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': ['7', '8'] }, 7_000],
    [{ 'llm_provider-retry-after': '9' }, 9_000],
    [{ 'retry-after': '7', 'llm_provider-retry-after': '9' }, 7_000],
    [{ 'retry-after': 'Sun, 01 Mar 2026 11:59:30 GMT' }, null],
    [{ 'retry-after': '0' }, null],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '' }, null],
    [{}, null],
  ])('in %j is for %j milliseconds', (headers, expected) => {
    expect(readRetryAfter(429, headers, NOW)).toBe(expected);
    expect(readRetryAfter(503, headers, NOW)).toBe(expected);
  });

  it('counts with a limit and with a service that is down, and with nothing else', () => {
    for (const status of [200, 400, 408, 500, 502, 504]) {
      expect(readRetryAfter(status, { 'retry-after': '7' }, NOW)).toBeNull();
    }
  });
});
