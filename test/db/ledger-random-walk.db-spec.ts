import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError } from '../../src/common/domain-error.js';
import type { AdmittedCall } from '../../src/jobs/call-admission.service.js';
import { TRANSFER_KINDS } from '../../src/credits/credits.types.js';
import { CHARGE_RULES, type CompletionStatus } from '../../src/jobs/jobs.types.js';
import { BookWriter } from '../support/books.js';
import { query } from '../support/database.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

const DAY_MS = 86_400_000;
const STEPS = 400;
const MODES = ['job_based', 'consumption_usd', 'consumption_tokens'] as const;
const RULES = ['trusted', 'server_observed', 'allowance'] as const;
const TYPES = ['analysis', 'report', 'big'] as const;
const ENDS: readonly CompletionStatus[] = ['completed', 'completed', 'failed', 'cancelled'];

/** The same numbers for the same seed (mulberry32), so that what was found once is found again. */
class Dice {
  constructor(private state: number) {}

  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** Whatever may happen to a team, in any order; what is refused is part of it. */
class Walk {
  private readonly jobs: string[] = [];
  private readonly running: AdmittedCall[] = [];

  constructor(
    private readonly writer: BookWriter,
    private readonly dice: Dice,
    private readonly teamId: string,
  ) {}

  async step(): Promise<void> {
    try {
      await this.attempt();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }

  private async attempt(): Promise<void> {
    const { dice, writer, teamId } = this;
    const now = writer.clock.now().getTime();
    // The latest ones: most of the others have ended.
    const job = this.jobs.length === 0 ? null : dice.of(this.jobs.slice(-6));
    const roll = dice.below(100);
    if (roll < 20 || job === null) {
      this.jobs.push(await writer.job(teamId, dice.of(TYPES)));
    } else if (roll < 38) {
      this.running.push(await writer.call(job));
    } else if (roll < 54) {
      await this.endCall();
    } else if (roll < 70) {
      await writer.end(job, dice.of(ENDS));
    } else if (roll < 76) {
      await writer.refund(teamId, job, dice.chance(50) ? null : 1 + dice.below(3));
    } else if (roll < 83) {
      const startsAt = dice.chance(30) ? new Date(now + (dice.below(4) - 1) * DAY_MS) : null;
      await writer.grant(teamId, {
        credits: 1 + dice.below(12),
        priority: dice.below(3),
        startsAt,
        expiresAt: dice.chance(50) ? new Date(now + (4 + dice.below(5)) * DAY_MS) : null,
        jobTypes: dice.chance(30) ? [dice.of(TYPES)] : null,
      });
    } else if (roll < 85) {
      await writer.setOverdraft(teamId, dice.below(10));
    } else if (roll < 87) {
      await writer.setBudget(teamId, {
        budgetMode: dice.of(MODES),
        fairOutcome: dice.of(RULES),
        freeEndings: dice.below(3),
      });
    } else if (roll < 93) {
      const expired = await writer.expire(teamId, job);
      if (expired !== null && dice.chance(50)) await writer.end(job);
    } else if (dice.chance(80)) {
      writer.clock.advance({ hours: 1 + dice.below(20) });
    } else {
      // Another replica, whose clock is behind.
      writer.clock.advance({ ms: -5000 });
    }
  }

  private async endCall(): Promise<void> {
    const call = this.running.splice(this.dice.below(this.running.length + 1), 1)[0];
    if (call === undefined) return;
    const { dice, writer } = this;
    if (dice.chance(10)) return writer.interrupt(call);
    if (dice.chance(20)) await writer.retry(call, { costUsd: dice.of([null, '0.01']) });
    await writer.endCall(call, {
      tokens: dice.below(2) * (20 + dice.below(9000)),
      costUsd: dice.of([null, '0', `0.${String(dice.below(1_000_000))}`]),
      isSuccessful: dice.chance(70),
    });
  }
}

describe('books that anything happens to', () => {
  let service: TestService;
  let writer: BookWriter;

  beforeAll(async () => {
    const clock = new TestClock(new Date('2026-03-01T00:00:00.000Z'));
    service = await startTestService({ clock });
    writer = new BookWriter(service, clock);
  });
  afterAll(() => service.stop());

  it.each([1, 2, 3, 4, 5])('are right after it all (seed %i)', async (seed) => {
    const dice = new Dice(seed);
    const teamId = await writer.team(
      { credits: 10 },
      { budgetMode: dice.of(MODES), fairOutcome: dice.of(RULES) },
    );
    await writer.jobType(teamId, 'analysis', { creditsPerJob: 2, holdCredits: 3 });
    await writer.jobType(teamId, 'big', { creditsPerJob: 6, holdCredits: 5, timeToLiveMs: DAY_MS / 2 });
    const walk = new Walk(writer, dice, teamId);
    for (let step = 0; step < STEPS; step += 1) await walk.step();

    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  });

  it('have met everything that there is', async () => {
    const met = await query<{ what: string; times: number }>(
      service.database.url,
      `SELECT kind AS what, count(*)::int AS times FROM credit_transfers GROUP BY kind
       UNION ALL SELECT 'late charge', count(*)::int FROM credit_transfers WHERE call_id IS NOT NULL
       UNION ALL SELECT 'second hold', count(*)::int FROM credit_holds WHERE number = 2
       UNION ALL SELECT 'hold over several grants', count(*)::int
         FROM (SELECT FROM credit_hold_grants GROUP BY hold_id HAVING count(*) > 1) several
       UNION ALL SELECT 'draw from a grant that came later', count(*)::int
         FROM credit_hold_grants JOIN credit_holds holds USING (hold_id) JOIN credit_grants grants USING (grant_id)
        WHERE grants.created_at > holds.created_at
       UNION ALL SELECT charge_rule, count(*)::int FROM jobs WHERE charge_rule IS NOT NULL GROUP BY charge_rule`,
    );
    expect(Object.fromEntries(met.map(({ what, times }) => [what, times > 0]))).toEqual(
      Object.fromEntries(
        [
          ...TRANSFER_KINDS,
          ...['late charge', 'second hold', 'hold over several grants', 'draw from a grant that came later'],
          ...CHARGE_RULES,
        ].map((what) => [what, true]),
      ),
    );
  });
});
