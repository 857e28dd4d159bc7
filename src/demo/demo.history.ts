import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DEFAULT_BUDGET } from '../budgets/budgets.types.js';
import { queryRows } from '../database/rows.js';
import { type DemoAttempt, type DemoCall, type DemoJob, idAt, planMonth, toUsd } from './demo.plan.js';
import { DemoRandom } from './demo.random.js';

/** Granted before the month begins. */
const GRANTED_CREDITS = 1_000;
const GRANTED_AT = Date.UTC(2024, 8, 30, 9);

/** As a running call would have it; nothing looks at it once the call has ended. */
const CALL_DEADLINE_MS = 190_000;
const TIME_TO_LIVE_MS = 86_400_000;

type Row = Readonly<Record<string, unknown>>;

interface Totals {
  readonly total_calls: number;
  readonly successful_calls: number;
  readonly failed_calls: number;
  readonly unpriced_calls: 0;
  readonly schema_missed_calls: 0;
  readonly total_tokens: number;
  readonly total_cost_usd: string;
  readonly total_latency_ms: number;
}

/**
 * Writes a month that is over into the tables of the modules that would have written it then: no service
 * can create a job in the past. `verify-ledger` holds for it as for any other.
 */
@Injectable()
export class DemoHistory {
  /** Into a team without credits and jobs, in the caller's transaction. */
  async write(manager: EntityManager, teamId: string): Promise<void> {
    const random = new DemoRandom(1_000);
    const jobs = planMonth();
    const grantId = idAt(GRANTED_AT, random);
    const processId = idAt(GRANTED_AT, random);
    const ledger = bookTransfers(jobs, grantId, random);
    const calls = jobs.flatMap((job) => job.calls.map((call) => ({ job, call })));
    const captured = jobs.filter((job) => job.isCompleted).length;
    const ofTeam = { team_id: teamId };

    await insert(manager, 'credit_grants', [
      {
        ...ofTeam,
        grant_id: grantId,
        credits: GRANTED_CREDITS,
        remaining: GRANTED_CREDITS - captured,
        expired: 0,
        kind: 'allocation',
        priority: 0,
        reason: 'Credits for October',
        created_at: iso(GRANTED_AT),
      },
    ]);
    await insert(
      manager,
      'jobs',
      jobs.map((job) => ({ ...ofTeam, ...toJobRow(job, ledger.remainingAfter.get(job.jobId) ?? 0) })),
    );
    await insert(
      manager,
      'credit_holds',
      jobs.map((job) => ({ ...ofTeam, ...toHoldRow(job) })),
    );
    await insert(
      manager,
      'credit_hold_grants',
      jobs.map((job) => ({ ...ofTeam, hold_id: job.holdId, grant_id: grantId, credits: 1 })),
    );
    await insert(
      manager,
      'credit_transfers',
      ledger.rows.map((row) => ({ ...ofTeam, ...row })),
    );
    await insert(
      manager,
      'llm_calls',
      calls.map(({ job, call }) => ({ ...ofTeam, ...toCallRow(job, call), process_id: processId })),
    );
    await insert(
      manager,
      'llm_attempts',
      calls.flatMap(({ call }) =>
        call.attempts.map((attempt, index) => ({ ...ofTeam, ...toAttemptRow(call, attempt, index + 1) })),
      ),
    );
    await queryRows(
      manager,
      `UPDATE credit_accounts SET issued = $2, available = $3, held = 0, consumed = $4, last_sequence = $5,
              updated_at = (SELECT max(created_at) FROM credit_transfers WHERE team_id = $1)
        WHERE team_id = $1`,
      [teamId, -GRANTED_CREDITS, GRANTED_CREDITS - captured, captured, ledger.rows.length],
    );
  }
}

/** The ledger of the month in the order of time: the grant, then a hold and its end for every job. */
function bookTransfers(
  jobs: readonly DemoJob[],
  grantId: string,
  random: DemoRandom,
): { rows: Row[]; remainingAfter: ReadonlyMap<string, number> } {
  const events = jobs
    .flatMap((job) => [
      { job, time: job.createdAt, kind: 'hold' as const },
      { job, time: job.endedAt, kind: job.isCompleted ? ('capture' as const) : ('release' as const) },
    ])
    .toSorted((first, second) => first.time - second.time);
  const remainingAfter = new Map<string, number>();
  let remaining = GRANTED_CREDITS;
  const allocation = {
    transfer_id: idAt(GRANTED_AT, random),
    sequence: 1,
    kind: 'allocation',
    debit_account: 'issued',
    credit_account: 'available',
    credits: GRANTED_CREDITS,
    remaining_after: remaining,
    grant_id: grantId,
    created_at: iso(GRANTED_AT),
  };
  const rows = events.map(({ job, time, kind }, index) => {
    if (kind === 'capture') remaining -= 1;
    if (kind !== 'hold') remainingAfter.set(job.jobId, remaining);
    return {
      transfer_id: idAt(time, random),
      sequence: index + 2,
      kind,
      debit_account: kind === 'hold' ? 'available' : 'held',
      credit_account: { hold: 'held', capture: 'consumed', release: 'available' }[kind],
      credits: 1,
      remaining_after: remaining,
      hold_id: job.holdId,
      created_at: iso(time),
    };
  });
  return { rows: [allocation, ...rows], remainingAfter };
}

function toJobRow(job: DemoJob, creditsRemaining: number): Row {
  const totals = totalsOf(job);
  const charged = job.isCompleted ? 1 : 0;
  const rule = job.isCompleted ? 'completed' : DEFAULT_BUDGET.fairOutcome;
  return {
    ...totals,
    job_id: job.jobId,
    job_type: job.jobType,
    user_id: job.userId,
    status: job.isCompleted ? 'completed' : 'failed',
    metadata: job.metadata,
    error_message: job.isCompleted
      ? null
      : 'The last step could not be finished: no answer from the service.',
    credits_held: 1,
    credit_applied: job.isCompleted,
    credits_charged: charged,
    credits_shortfall: 0,
    charge_rule: rule,
    budget_mode: DEFAULT_BUDGET.budgetMode,
    credits_per_dollar: DEFAULT_BUDGET.creditsPerDollar,
    tokens_per_credit: DEFAULT_BUDGET.tokensPerCredit,
    time_to_live_ms: TIME_TO_LIVE_MS,
    may_retry_ambiguous: true,
    ends_with_call: false,
    expires_at: iso(job.endedAt + TIME_TO_LIVE_MS),
    running_calls: 0,
    model_groups_used: [...new Set(job.calls.map((call) => call.group))],
    completion: {
      totalCalls: totals.total_calls,
      successfulCalls: totals.successful_calls,
      failedCalls: totals.failed_calls,
      totalTokens: totals.total_tokens,
      totalCostUsd: totals.total_cost_usd,
      unpricedCalls: 0,
      avgLatencyMs:
        totals.successful_calls === 0 ? 0 : Math.round(totals.total_latency_ms / totals.successful_calls),
      creditApplied: job.isCompleted,
      creditsCharged: charged,
      creditsRemaining,
      creditsShortfall: 0,
      chargeRule: rule,
      costVisibility: 'summary',
    },
    created_at: iso(job.createdAt),
    started_at: iso(job.calls[0]?.startedAt ?? job.createdAt),
    completed_at: iso(job.endedAt),
    updated_at: iso(job.endedAt),
  };
}

function totalsOf(job: DemoJob): Totals {
  const ends = job.calls.map(endOf);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const successful = ends.filter((end) => end.isSuccessful);
  return {
    total_calls: ends.length,
    successful_calls: successful.length,
    failed_calls: ends.length - successful.length,
    unpriced_calls: 0,
    schema_missed_calls: 0,
    total_tokens: sum(ends.map((end) => end.promptTokens + end.completionTokens)),
    total_cost_usd: toUsd(sum(ends.map((end) => end.costUnits))),
    total_latency_ms: sum(successful.map((end) => end.latencyMs)),
  };
}

/** What a call comes to. Attempts that failed used and cost nothing. */
function endOf(call: DemoCall): {
  isSuccessful: boolean;
  promptTokens: number;
  completionTokens: number;
  costUnits: number;
  latencyMs: number;
} {
  const last = call.attempts.at(-1);
  return {
    isSuccessful: last?.isSuccessful ?? false,
    promptTokens: last?.promptTokens ?? 0,
    completionTokens: last?.completionTokens ?? 0,
    costUnits: last?.costUnits ?? 0,
    latencyMs: call.attempts.reduce((total, attempt) => total + attempt.latencyMs, 0),
  };
}

function toHoldRow(job: DemoJob): Row {
  return {
    hold_id: job.holdId,
    job_id: job.jobId,
    number: 1,
    credits: 1,
    job_type: job.jobType,
    status: job.isCompleted ? 'captured' : 'released',
    captured: job.isCompleted ? 1 : 0,
    refunded: 0,
    shortfall: 0,
    overdrawn: 0,
    created_at: iso(job.createdAt),
    ended_at: iso(job.endedAt),
  };
}

function toCallRow(job: DemoJob, call: DemoCall): Row {
  const end = endOf(call);
  return {
    call_id: call.callId,
    job_id: job.jobId,
    model_group: call.group,
    purpose: call.purpose,
    metadata: {},
    kind: 'chat',
    is_stream: false,
    is_estimated: false,
    status: end.isSuccessful ? 'succeeded' : 'failed',
    failure: end.isSuccessful ? null : 'upstream_failed',
    deadline_at: iso(call.startedAt + CALL_DEADLINE_MS),
    prompt_tokens: end.promptTokens,
    completion_tokens: end.completionTokens,
    total_tokens: end.promptTokens + end.completionTokens,
    cost_usd: toUsd(end.costUnits),
    is_unpriced: false,
    latency_ms: end.latencyMs,
    created_at: iso(call.startedAt),
    ended_at: iso(call.startedAt + end.latencyMs),
  };
}

function toAttemptRow(call: DemoCall, attempt: DemoAttempt, number: number): Row {
  const cost = toUsd(attempt.costUnits);
  const outcome = attempt.isSuccessful
    ? {
        status: 'succeeded',
        upstream_status: 200,
        prompt_tokens: attempt.promptTokens,
        completion_tokens: attempt.completionTokens,
        total_tokens: attempt.promptTokens + attempt.completionTokens,
        input_tokens: attempt.promptTokens,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        audio_input_tokens: 0,
        image_input_tokens: 0,
        output_tokens: attempt.completionTokens,
        reasoning_tokens: 0,
        audio_output_tokens: 0,
        image_output_tokens: 0,
        is_estimated: false,
        first_byte_ms: attempt.latencyMs,
      }
    : {
        status: 'failed',
        failure: 'upstream_error',
        upstream_status: 503,
        upstream_error: 'The server is overloaded or not ready yet.',
      };
  return {
    ...outcome,
    attempt_id: attempt.attemptId,
    call_id: call.callId,
    number,
    model_name: attempt.model,
    cost_usd: cost,
    cost_source: 'upstream_header',
    cost_text: cost,
    latency_ms: attempt.latencyMs,
    started_at: iso(attempt.startedAt),
    ended_at: iso(attempt.startedAt + attempt.latencyMs),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** @param table a name of ours @param rows with the names of columns; those left out become null */
async function insert(manager: EntityManager, table: string, rows: readonly Row[]): Promise<void> {
  await queryRows(
    manager,
    `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
}
