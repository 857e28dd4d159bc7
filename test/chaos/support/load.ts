import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { ADMIN_KEY, type ChaosTeam, type Deployment } from './deployment.js';
import type { Answer } from './http-client.js';
import type { ChaosPostgres } from './postgres.js';
import type { Random } from './random.js';
import type { ChaosUpstream } from './upstream.js';
import { forEachOf, range, tally } from './workers.js';

const MESSAGES = [{ role: 'user', content: 'How do I reset my password?' }] as const;
/** Clients that asked on without a pause would only heat the machine while the database is away. */
const PAUSE_AFTER_FAULT_MS = 20;
const END_STATUSES = ['completed', 'completed', 'completed', 'failed', 'cancelled'] as const;

/** How a frozen answer was acknowledged. */
interface AcknowledgedEnd {
  readonly team: ChaosTeam;
  readonly status: string;
  readonly text: string;
}

/**
 * Clients that do what applications do and note what the service acknowledged: an answer of 200 is a
 * promise that must hold whatever breaks later. They repeat nothing, so a request without an answer may or
 * may not have had its effect.
 */
export class Load {
  readonly jobs = new Set<string>();
  readonly calls = new Set<string>();
  readonly grants = new Map<string, number>();
  readonly ends = new Map<string, AcknowledgedEnd>();
  /** By what the database would show if a request had had its effect that was told it had none. */
  readonly declined = {
    jobs: new Set<string>(),
    calls: new Set<string>(),
    ends: new Set<string>(),
    grants: new Set<string>(),
  };
  /** Faults and lost connections, which a broken network explains. */
  readonly excused: string[] = [];
  /** Any other answer than 200: the clients do nothing wrong, and a broken network makes no request wrong. */
  readonly unexpected: string[] = [];
  requests = 0;
  longestMs = 0;
  private isStopped = false;
  private marks = 0;

  constructor(
    private readonly deployment: Deployment,
    private readonly teams: readonly [ChaosTeam, ...ChaosTeam[]],
    private readonly random: Random,
  ) {}

  /** Works with `width` clients for as long as `scenario` takes. */
  async during(width: number, scenario: () => Promise<void>): Promise<void> {
    const clients = range(width).map(async () => {
      try {
        while (!this.isStopped) await this.workOnce();
      } finally {
        this.isStopped = true;
      }
    });
    const work = scenario().finally(() => {
      this.isStopped = true;
    });
    await Promise.all([work, ...clients]);
  }

  /** Waits until the clients have ended some more jobs: a fault without work beside it would test nothing. */
  async untilProgress(jobs = 3): Promise<void> {
    const target = this.ends.size + jobs;
    while (this.ends.size < target && !this.isStopped) await sleep(10);
  }

  /** One job, with up to two calls, and now and then a grant. */
  private async workOnce(): Promise<void> {
    const team = this.random.pick(this.teams);
    if (this.random.below(5) === 0) await this.addCredits(team);
    const jobId = await this.createJob(team);
    if (jobId === null) return;
    for (let calls = this.random.below(3); calls > 0; calls -= 1) await this.call(team, jobId);
    const status = this.random.pick(END_STATUSES);
    const ended = await this.send(team.key, `/api/jobs/${jobId}/complete`, { status }, () =>
      this.declined.ends.add(jobId),
    );
    if (ended !== null) this.ends.set(jobId, { team, status, text: ended.text });
  }

  figures(): Record<string, number | string> {
    return {
      requests: this.requests,
      'jobs acknowledged': this.jobs.size,
      'calls acknowledged': this.calls.size,
      'ends acknowledged': this.ends.size,
      'grants acknowledged': this.grants.size,
      'requests failed': `${String(this.excused.length)} (${describeTally(tally(this.excused))})`,
      'ms the longest': Math.round(this.longestMs),
    };
  }

  private async createJob(team: ChaosTeam): Promise<string | null> {
    const mark = this.newMark();
    const body = { job_type: 'chaos', user_id: mark };
    const created = await this.send(team.key, '/api/jobs/create', body, () => this.declined.jobs.add(mark));
    if (created === null) return null;
    const jobId = created.body['job_id'] as string;
    this.jobs.add(jobId);
    return jobId;
  }

  private async call(team: ChaosTeam, jobId: string): Promise<void> {
    const mark = this.newMark();
    const body = { messages: MESSAGES, purpose: mark };
    const answer = await this.send(team.key, `/api/jobs/${jobId}/llm-call`, body, () =>
      this.declined.calls.add(mark),
    );
    if (answer !== null) this.calls.add(answer.body['call_id'] as string);
  }

  private async addCredits(team: ChaosTeam): Promise<void> {
    const mark = this.newMark();
    const credits = 1 + this.random.below(9);
    const path = `/api/credits/teams/${team.teamId}/add`;
    const added = await this.send(ADMIN_KEY, path, { credits, reason: mark }, () =>
      this.declined.grants.add(mark),
    );
    if (added !== null) this.grants.set((added.body['grant'] as { grant_id: string }).grant_id, credits);
  }

  private newMark(): string {
    this.marks += 1;
    return `mark-${String(this.marks)}`;
  }

  /** The answer if it is 200; null after a fault, which is noted. */
  private async send(key: string, path: string, body: object, decline: () => void): Promise<Answer | null> {
    const replica = this.random.below(this.deployment.size);
    this.requests += 1;
    const startedAt = performance.now();
    const answer = await this.deployment.trySend(replica, key, 'POST', path, { body });
    this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
    if (answer?.status === 200) return answer;
    if (answer === null) this.excused.push('no answer');
    else if (answer.status >= 500) this.excused.push(`${String(answer.status)} ${codeOf(answer)}`);
    else this.unexpected.push(`${path}: ${String(answer.status)} ${answer.text}`);
    if (answer?.body['code'] === 'database_unavailable') decline();
    await sleep(PAUSE_AFTER_FAULT_MS);
    return null;
  }
}

/** Nothing came of what was answered with `database_unavailable`, which may be repeated without harm. */
export async function expectDeclinedWithoutEffect(load: Load, postgres: ChaosPostgres): Promise<number> {
  const { jobs, calls, ends, grants } = load.declined;
  expect(await present(postgres, jobs, 'SELECT user_id AS id FROM jobs')).toEqual([]);
  expect(await present(postgres, calls, 'SELECT purpose AS id FROM llm_calls')).toEqual([]);
  expect(
    await present(postgres, ends, 'SELECT job_id::text AS id FROM jobs WHERE completed_at IS NOT NULL'),
  ).toEqual([]);
  expect(await present(postgres, grants, 'SELECT reason AS id FROM credit_grants')).toEqual([]);
  return jobs.size + calls.size + ends.size + grants.size;
}

/** Everything that was acknowledged is there, and every answer is given again with the same bytes. */
export async function expectAcknowledgedKept(
  load: Load,
  postgres: ChaosPostgres,
  deployment: Deployment,
): Promise<void> {
  expect(load.unexpected).toEqual([]);
  expect(await missing(postgres, [...load.jobs], 'SELECT job_id::text AS id FROM jobs')).toEqual([]);
  expect(
    await missing(
      postgres,
      [...load.calls],
      `SELECT call_id::text AS id FROM llm_calls WHERE status = 'succeeded'`,
    ),
  ).toEqual([]);
  expect(
    await missing(
      postgres,
      [...load.grants].map(([grantId, credits]) => `${grantId} ${String(credits)}`),
      `SELECT concat(grant_id, ' ', credits) AS id FROM credit_transfers WHERE kind = 'allocation'`,
    ),
  ).toEqual([]);
  // What the answer said was charged is what the ledger says, once.
  const ends = [...load.ends].map(([jobId, { status, text }]) => {
    const { costs } = JSON.parse(text) as { costs: { credits_charged: number } };
    return `${jobId} ${status} ${costs.credits_charged > 0 ? 'capture' : 'release'} 1`;
  });
  expect(
    await missing(
      postgres,
      ends,
      `SELECT concat_ws(' ', job_id, jobs.status, string_agg(kind, ' and '), count(*)) AS id
         FROM jobs JOIN credit_holds holds USING (team_id, job_id)
         JOIN credit_transfers transfers USING (team_id, hold_id)
        WHERE kind IN ('capture', 'release') GROUP BY job_id, jobs.status`,
    ),
  ).toEqual([]);
  await forEachOf([...load.ends], 8, async ([jobId, { team, status, text }], index) => {
    const path = `/api/jobs/${jobId}/complete`;
    const answer = await deployment.send(index % deployment.size, team.key, 'POST', path, {
      body: { status },
    });
    expect([jobId, answer.text]).toEqual([jobId, text]);
  });
}

/** No spend without a row: whatever reached the upstream is on record, and was sent once. */
export async function expectAttemptsOnRecord(
  postgres: ChaosPostgres,
  upstream: ChaosUpstream,
): Promise<number> {
  const arrived = [...upstream.arrivals.keys()];
  expect([...upstream.arrivals].filter(([, times]) => times > 1)).toEqual([]);
  const attempts = 'SELECT attempt_id::text AS id FROM llm_attempts';
  expect(await missing(postgres, arrived, attempts)).toEqual([]);
  // And no answer out of thin air.
  const succeeded = await postgres.query<{ id: string }>(`${attempts} WHERE status = 'succeeded'`);
  expect(succeeded.filter(({ id }) => !upstream.answered.has(id))).toEqual([]);
  return arrived.length;
}

/** Those of `ids` that the statement does not find. */
async function missing(postgres: ChaosPostgres, ids: readonly string[], sql: string): Promise<string[]> {
  const found = await idsOf(postgres, sql);
  return ids.filter((id) => !found.has(id));
}

/** Those of `ids` that the statement finds. */
async function present(postgres: ChaosPostgres, ids: ReadonlySet<string>, sql: string): Promise<string[]> {
  const found = await idsOf(postgres, sql);
  return [...ids].filter((id) => found.has(id));
}

async function idsOf(postgres: ChaosPostgres, sql: string): Promise<ReadonlySet<string>> {
  return new Set((await postgres.query<{ id: string }>(sql)).map(({ id }) => id));
}

function codeOf(answer: Answer): string {
  const { code } = answer.body;
  return typeof code === 'string' ? code : 'without a code';
}

function describeTally(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${String(count)} × ${name}`)
    .join(', ');
}
