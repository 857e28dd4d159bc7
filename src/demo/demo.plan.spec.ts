import { describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { type DemoCall, planMonth, toUsd } from './demo.plan.js';

/** USD of a token, as OpenAI's price list had them in October 2024. */
const LIST_PRICES: Readonly<Record<string, readonly [prompt: string, completion: string]>> = {
  'gpt-4o': ['0.0000025', '0.00001'],
  'gpt-4o-mini': ['0.00000015', '0.0000006'],
  'gpt-3.5-turbo': ['0.0000005', '0.0000015'],
};

const jobs = planMonth();
const calls = jobs.flatMap((job) => job.calls);
const costOf = (some: readonly DemoCall[]): string =>
  some
    .flatMap((call) => call.attempts)
    .reduce((total, attempt) => total.plus(toUsd(attempt.costUnits)), new Decimal(0))
    .toString();

describe('the month of the demo', () => {
  it.each([
    ['document_analysis', 120, 117, '12.2'],
    ['chat_session', 100, 99, '5.25'],
    ['data_extraction', 30, 29, '1.3'],
  ])('has of %s %d jobs, %d of them completed, for %s USD', (jobType, count, completed, costUsd) => {
    const ofType = jobs.filter((job) => job.jobType === jobType);

    expect(ofType).toHaveLength(count);
    expect(ofType.filter((job) => job.isCompleted)).toHaveLength(completed);
    expect(costOf(ofType.flatMap((job) => job.calls))).toBe(costUsd);
  });

  it('comes to 250 jobs, 245 of them completed, for 18.75 USD', () => {
    expect(jobs).toHaveLength(250);
    expect(jobs.filter((job) => job.isCompleted)).toHaveLength(245);
    expect(costOf(calls)).toBe('18.75');
  });

  it('charges every answer its tokens at the list price', () => {
    const attempts = calls.flatMap((call) => call.attempts);
    const wrong = attempts.filter((attempt) => {
      const [prompt, completion] = LIST_PRICES[attempt.model]!;
      const due = new Decimal(prompt)
        .times(attempt.promptTokens)
        .plus(new Decimal(completion).times(attempt.completionTokens));
      return !due.equals(toUsd(attempt.costUnits));
    });

    expect(attempts.length).toBeGreaterThan(1_000);
    expect(wrong).toEqual([]);
  });

  it('lies in October 2024, from the first job to the end of the last', () => {
    expect(Math.min(...jobs.map((job) => job.createdAt))).toBeGreaterThan(Date.UTC(2024, 9, 1));
    expect(Math.max(...jobs.map((job) => job.endedAt))).toBeLessThan(Date.UTC(2024, 10, 1));
    expect(new Set(jobs.map((job) => new Date(job.createdAt).getUTCDate())).size).toBe(31);
  });

  it('lets calls follow each other, and jobs end after them', () => {
    for (const job of jobs) {
      let time = job.createdAt;
      for (const call of job.calls) {
        expect(call.startedAt).toBeGreaterThan(time);
        time = call.startedAt + call.attempts.reduce((sum, attempt) => sum + attempt.latencyMs, 0);
      }
      expect(job.endedAt).toBeGreaterThan(time);
    }
  });

  it('is varied: users, groups, models, numbers of calls, and calls that a second model answered', () => {
    const rescued = calls.filter((call) => call.attempts.length === 2 && call.attempts[1]!.isSuccessful);

    expect(new Set(jobs.map((job) => job.userId)).size).toBe(5);
    expect(new Set(calls.map((call) => call.group)).size).toBe(2);
    expect(new Set(calls.flatMap((call) => call.attempts.map((attempt) => attempt.model))).size).toBe(3);
    expect(new Set(jobs.map((job) => job.calls.length)).size).toBeGreaterThan(5);
    expect(rescued.length).toBeGreaterThan(20);
  });

  it('fails the last call of each job that failed, and no other', () => {
    for (const job of jobs) {
      const failed = job.calls.filter((call) => !call.attempts.at(-1)!.isSuccessful);
      expect(failed).toEqual(job.isCompleted ? [] : [job.calls.at(-1)]);
    }
  });

  it('is the same every time, and names nothing twice', () => {
    const ids = [
      ...jobs.flatMap((job) => [job.jobId, job.holdId]),
      ...calls.flatMap((call) => [call.callId, ...call.attempts.map((attempt) => attempt.attemptId)]),
    ];

    expect(planMonth()).toEqual(jobs);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('an amount in units', () => {
  it.each([
    [0, '0.00000000'],
    [1, '0.00000005'],
    [20_000_000, '1.00000000'],
    [375_000_000, '18.75000000'],
    [20_000_001, '1.00000005'],
  ])('of %d is %s USD', (units, usd) => {
    expect(toUsd(units)).toBe(usd);
  });
});
