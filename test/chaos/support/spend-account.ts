import { expect } from '@jest/globals';
import { Decimal } from 'decimal.js';
import type { JournalEntry } from '../../../src/gateway/sandbox/sandbox.journal.js';
import type { ChaosPostgres } from './postgres.js';
import type { Outage, SandboxProcess } from './sandbox-process.js';

type Received = Extract<JournalEntry, { event: 'received' }>;
type Billed = Extract<JournalEntry, { event: 'billed' }>;

/** One try of a call, as the service has written it down. */
export interface AttemptRow {
  readonly id: string;
  readonly model: string;
  readonly status: string;
  readonly failure: string | null;
  readonly upstreamStatus: number | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly isEstimated: boolean | null;
  readonly costUsd: string | null;
  readonly costSource: string;
  readonly latencyMs: number;
  /** Milliseconds of the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
}

const KNOWN_COSTS = ['upstream_header', 'upstream_usage'];

/** The same spend in two books: the rows of the service, and the journal of the sandbox. */
export class SpendAccount {
  private readonly billed: ReadonlyMap<string, Billed>;
  private readonly received: ReadonlyMap<string, Received>;

  private constructor(
    readonly attempts: readonly AttemptRow[],
    private readonly journal: readonly JournalEntry[],
    private readonly outages: readonly Outage[],
  ) {
    this.received = new Map(journal.filter((entry) => entry.event === 'received').map(byCall));
    this.billed = new Map(journal.filter((entry) => entry.event === 'billed').map(byCall));
  }

  static async read(postgres: ChaosPostgres, sandbox: SandboxProcess): Promise<SpendAccount> {
    const attempts = await postgres.query<AttemptRow>(
      `SELECT attempt_id AS id, model_name AS model, status, failure, upstream_status AS "upstreamStatus",
              prompt_tokens::int AS "promptTokens", completion_tokens::int AS "completionTokens",
              is_estimated AS "isEstimated", cost_usd::text AS "costUsd", cost_source AS "costSource",
              latency_ms AS "latencyMs", extract(epoch FROM started_at)::float8 * 1000 AS "startedAt",
              extract(epoch FROM ended_at)::float8 * 1000 AS "endedAt"
         FROM llm_attempts`,
    );
    return new SpendAccount(attempts, await sandbox.journal(), sandbox.outages);
  }

  /**
   * Each request that the sandbox has read is one attempt, sent once, and the other way round. Only of what
   * broke on its way may the two disagree: whoever waits for an answer cannot know whether it was asked for.
   *
   * @param attemptTimeoutMs of the service; what ended before it was cut short by the end of its call
   * @returns how many attempts left and were not read
   */
  expectSameRequests(attemptTimeoutMs: number): number {
    const ids = new Set(this.attempts.map(({ id }) => id));
    expect(this.journal.filter(({ callId }) => !ids.has(callId))).toEqual([]);
    expect(this.received.size + this.billed.size).toBe(this.journal.length);
    const unread = this.attempts.filter(({ id }) => !this.received.has(id));
    const left = this.attempts.filter(({ costSource }) => costSource !== 'not_sent');
    expect(
      this.attempts.filter(({ id, costSource }) => costSource === 'not_sent' && this.received.has(id)),
    ).toEqual([]);
    const lost = unread.filter(({ costSource }) => costSource !== 'not_sent');
    expect(lost.filter((attempt) => !this.mayBeLost(attempt, attemptTimeoutMs))).toEqual([]);
    expect(left.length - lost.length).toBe(this.received.size);
    return lost.length;
  }

  /**
   * What an answer reported is what was billed for it. What was billed and not reported is guessed or unknown,
   * and never an answer that its client was given for whole.
   *
   * @returns the tokens that were reported, and those that were billed for answers that did not arrive whole
   */
  expectSameTokens(): { reported: number; unreported: number } {
    const reported = this.attempts.filter(({ isEstimated }) => isEstimated === false);
    const isReported = new Set(reported.map(({ id }) => id));
    expect(
      reported.map(({ id, promptTokens, completionTokens }) => [id, promptTokens, completionTokens]),
    ).toEqual(
      reported.map(({ id }) => [
        id,
        this.billed.get(id)?.promptTokens,
        this.billed.get(id)?.completionTokens,
      ]),
    );
    expect(this.attempts.filter(({ id, status }) => status === 'succeeded' && !isReported.has(id))).toEqual(
      [],
    );
    const bills = [...this.billed.values()];
    return {
      reported: sumOf(bills.filter(({ callId }) => isReported.has(callId))),
      unreported: sumOf(bills.filter(({ callId }) => !isReported.has(callId))),
    };
  }

  /** A cost that is known is the one of the bill, and nothing where there is none; else it is not known. */
  expectSameCosts(): void {
    const known = this.attempts.filter(({ costSource }) => KNOWN_COSTS.includes(costSource));
    const costs = (amount: (attempt: AttemptRow) => string | null | undefined): string[] =>
      known.map((attempt) => `${attempt.id} ${new Decimal(amount(attempt) ?? 'NaN').toFixed()}`);
    expect(costs(({ costUsd }) => costUsd)).toEqual(costs(({ id }) => this.billed.get(id)?.costUsd ?? '0'));
    const isKnown = new Set(known.map(({ id }) => id));
    const hidden = this.attempts.filter(
      ({ id, costUsd }) => !isKnown.has(id) && this.billed.has(id) && costUsd !== null,
    );
    expect(hidden).toEqual([]);
  }

  /** Whether an attempt that left may not have been read, and says itself that nothing of it is known. */
  private mayBeLost(attempt: AttemptRow, attemptTimeoutMs: number): boolean {
    const { failure, upstreamStatus, costSource, latencyMs, startedAt, endedAt } = attempt;
    if (upstreamStatus !== null || costSource !== 'unpriced') return false;
    if (failure === 'timeout' && latencyMs < attemptTimeoutMs) return true;
    if (failure !== 'timeout' && failure !== 'connection_failed') return false;
    return this.outages.some(({ from, to }) => startedAt <= to && endedAt >= from);
  }
}

function byCall<Entry extends JournalEntry>(entry: Entry): [string, Entry] {
  return [entry.callId, entry];
}

function sumOf(bills: readonly Billed[]): number {
  return bills.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0);
}
