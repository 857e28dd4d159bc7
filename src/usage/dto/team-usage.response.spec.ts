import { describe, expect, it } from '@jest/globals';
import type { JobTypeUsage } from '../usage.types.js';
import { toTeamUsageResponse } from './team-usage.response.js';

function usage(jobType: string, changes: Partial<JobTypeUsage> = {}): JobTypeUsage {
  return {
    jobType,
    totalJobs: 1,
    successfulJobs: 1,
    failedJobs: 0,
    cancelledJobs: 0,
    totalTokens: 0,
    totalCostUsd: '0',
    unpricedCalls: 0,
    ...changes,
  };
}

/** The month that the seeds show: 18.75 USD over 250 jobs. */
const NOVEMBER = [
  usage('document_analysis', {
    totalJobs: 120,
    successfulJobs: 118,
    failedJobs: 2,
    totalTokens: 300_000,
    totalCostUsd: '12.200000000000',
  }),
  usage('chat_session', {
    totalJobs: 130,
    successfulJobs: 126,
    failedJobs: 3,
    cancelledJobs: 1,
    totalTokens: 112_000,
    totalCostUsd: '6.550000000000',
    unpricedCalls: 2,
  }),
];

describe('the usage of a team', () => {
  it('adds its job types up', () => {
    const answer = toTeamUsageResponse('engineering-team', '2026-11', NOVEMBER, true);

    expect(JSON.parse(JSON.stringify(answer))).toEqual({
      team_id: 'engineering-team',
      period: '2026-11',
      summary: {
        total_jobs: 250,
        successful_jobs: 244,
        failed_jobs: 5,
        cancelled_jobs: 1,
        total_tokens: 412_000,
        total_cost_usd: 18.75,
        avg_cost_per_job: 0.075,
        unpriced_calls: 2,
      },
      job_types: {
        document_analysis: { count: 120, cost_usd: 12.2 },
        chat_session: { count: 130, cost_usd: 6.55 },
      },
    });
  });

  it('adds money as decimals', () => {
    const tenths = ['0.1', '0.2'].map((totalCostUsd) => usage(`type ${totalCostUsd}`, { totalCostUsd }));
    const { summary } = toTeamUsageResponse('t', '2026-11', tenths, true);

    expect([summary.total_cost_usd, summary.avg_cost_per_job]).toEqual([0.3, 0.15]);
  });

  it('rounds an average half up to 12 decimals', () => {
    const jobs = [usage('a', { totalJobs: 3, totalCostUsd: '2.000000000000' })];

    expect(toTeamUsageResponse('t', '2026-11', jobs, true).summary.avg_cost_per_job).toBe(0.666666666667);
  });

  it('of a period without jobs is all zeros, the average too', () => {
    expect(toTeamUsageResponse('t', '2026-11', [], true)).toEqual({
      team_id: 't',
      period: '2026-11',
      summary: {
        total_jobs: 0,
        successful_jobs: 0,
        failed_jobs: 0,
        cancelled_jobs: 0,
        total_tokens: 0,
        total_cost_usd: 0,
        avg_cost_per_job: 0,
        unpriced_calls: 0,
      },
      job_types: {},
    });
  });

  it('has no cost in any byte where the team does not see costs', () => {
    const answer = toTeamUsageResponse('t', '2026-11', NOVEMBER, false);

    expect(JSON.stringify(answer)).not.toMatch(/cost|usd|unpriced|18\.75|12\.2|6\.55/);
    expect(answer.summary).toEqual({
      total_jobs: 250,
      successful_jobs: 244,
      failed_jobs: 5,
      cancelled_jobs: 1,
      total_tokens: 412_000,
    });
    expect(JSON.parse(JSON.stringify(answer.job_types))).toEqual({
      document_analysis: { count: 120 },
      chat_session: { count: 130 },
    });
  });

  it.each(['__proto__', 'constructor', 'toString', '', '"'])(
    'keeps a job type called %j like any other',
    (name) => {
      const text = JSON.stringify(
        toTeamUsageResponse('t', '2026-11', [usage(name, { totalJobs: 7 })], false),
      );

      expect(text).toContain(`"job_types":{${JSON.stringify(name)}:{"count":7}}`);
    },
  );
});
