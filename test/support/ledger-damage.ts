type Damage = readonly [what: string, sql: string, checks: readonly string[]];

const holdOf = (job: string): string => `(SELECT hold_id FROM credit_holds WHERE job_id = :${job})`;
const transferOf = (job: string, kind: string): string =>
  `UPDATE credit_transfers SET %s WHERE kind = '${kind}' AND hold_id = ${holdOf(job)}`;
const change = (job: string, kind: string, set: string): string => transferOf(job, kind).replace('%s', set);
const answer = (job: string, changes: string): string =>
  `UPDATE jobs SET completion = completion || '${changes}' WHERE job_id = :${job}`;

/** Lets two transfers of a hold change places. */
const swapped = (job: string, first: string, second: string): string => `
  UPDATE credit_transfers one SET sequence = other.sequence FROM credit_transfers other
   WHERE one.hold_id = ${holdOf(job)} AND other.hold_id = one.hold_id
     AND (one.kind, other.kind) IN (('${first}', '${second}'), ('${second}', '${first}'))`;

const ACCOUNTS: readonly Damage[] = [
  [
    'a balance that was raised',
    `UPDATE credit_accounts SET issued = issued - 5, available = available + 5 WHERE team_id = :priceTeam`,
    ['account balances', 'what grants have left'],
  ],
  [
    'an account that is gone',
    `DELETE FROM credit_accounts WHERE team_id = :priceTeam`,
    ['account balances', 'transfer sequence', 'what grants have left'],
  ],
  [
    'more held than nothing taken away',
    `UPDATE credit_accounts SET held = -1 WHERE team_id = :usageTeam`,
    ['account balances', 'account limits'],
  ],
  [
    'an overdraft beyond its limit',
    `UPDATE credit_accounts SET overdraft_limit = 2 WHERE team_id = :overdraftTeam`,
    ['account limits'],
  ],
  [
    'a debt that was forgotten',
    `UPDATE credit_accounts SET shortfall = 0 WHERE team_id = :shortTeam`,
    ['debts'],
  ],
  [
    'an overdraft that was made smaller',
    `UPDATE credit_accounts SET overdrawn = 2 WHERE team_id = :overdraftTeam`,
    ['debts', 'what grants have left'],
  ],
  [
    'a hold that is short of more',
    `UPDATE credit_holds SET shortfall = 3 WHERE job_id = :owing`,
    ['debts', 'job charges'],
  ],
  [
    'a hold that has overdrawn what it has',
    `UPDATE credit_holds SET overdrawn = 1 WHERE job_id = :covered`,
    ['debts', 'holds'],
  ],
];

const TRANSFERS: readonly Damage[] = [
  [
    'a transfer that is gone',
    `DELETE FROM credit_transfers WHERE kind = 'capture' AND hold_id = ${holdOf('completed')}`,
    ['account balances', 'holds', 'job charges', 'remaining credits', 'transfer sequence'],
  ],
  [
    'a sequence that was moved',
    `UPDATE credit_accounts SET last_sequence = last_sequence + 1 WHERE team_id = :priceTeam`,
    ['transfer sequence'],
  ],
  [
    'a ledger that begins with 2',
    `UPDATE credit_transfers SET sequence = sequence + 1 WHERE team_id = :priceTeam;
     UPDATE credit_accounts SET last_sequence = last_sequence + 1 WHERE team_id = :priceTeam`,
    ['transfer sequence'],
  ],
  [
    'a number given twice and one left out',
    // Numbers 2 and 3 are the other two grants: which of them was first does not show anywhere else, but what
    // remained after both does.
    `UPDATE credit_transfers SET sequence = 3 WHERE team_id = :grantTeam AND sequence = 2`,
    ['remaining credits', 'transfer sequence'],
  ],
  [
    'a transfer that is older than the one before',
    change('several', 'capture', `created_at = created_at - interval '1 day'`),
    ['transfer times'],
  ],
  [
    'an account that is older than its last transfer',
    `UPDATE credit_accounts SET updated_at = updated_at - interval '1 minute' WHERE team_id = :usageTeam`,
    ['transfer times'],
  ],
  [
    'a capture that went elsewhere',
    change('completed', 'capture', `credit_account = 'expired'`),
    ['account balances', 'holds', 'transfer moves'],
  ],
  ['a capture of a grant', change('several', 'capture', `grant_id = :limited`), ['transfer moves']],
  [
    'a capture of a call',
    change('partial', 'capture', `call_id = :partialCall`),
    ['frozen answers', 'late charges', 'transfer moves'],
  ],
  [
    'a transfer of a kind that there is not',
    `UPDATE credit_transfers SET kind = 'gift' WHERE grant_id = :later`,
    ['allocations', 'draws', 'transfer moves'],
  ],
  [
    'a transfer of less than nothing',
    // Twice the other way round, so that every sum is as it was.
    `UPDATE credit_transfers SET credits = -credits, debit_account = credit_account, credit_account = debit_account
      WHERE kind = 'expiry' AND team_id = :grantTeam`,
    ['grants', 'transfer moves'],
  ],
  [
    'a transfer that shows more than remained',
    change('completed', 'capture', `remaining_after = remaining_after + 1`),
    ['remaining credits'],
  ],
];

const GRANTS: readonly Damage[] = [
  [
    'a grant that has what another has not',
    `UPDATE credit_grants SET remaining = remaining + CASE grant_id WHEN :later THEN 1 ELSE -1 END
      WHERE team_id = :grantTeam AND remaining > 0`,
    ['grants'],
  ],
  [
    'a grant that gives more than it has left',
    `UPDATE credit_grants SET remaining = remaining - 1 WHERE grant_id = :later`,
    ['grants', 'what grants have left'],
  ],
  [
    'a grant of which more has run out',
    `UPDATE credit_grants SET expired = expired + 1 WHERE grant_id = :limited`,
    ['grants'],
  ],
  [
    'credits that came back to a grant that had run out',
    `UPDATE credit_grants SET credits = 5, remaining = 1 WHERE grant_id = :limited`,
    ['allocations', 'grants', 'what grants have left'],
  ],
  [
    'a grant without its transfer',
    `INSERT INTO credit_grants (grant_id, team_id, credits, remaining, expired, kind, priority, created_at)
     VALUES (gen_random_uuid(), :priceTeam, 7, 7, 0, 'allocation', 0, now())`,
    ['allocations', 'what grants have left'],
  ],
  [
    'a grant that was booked twice',
    `INSERT INTO credit_transfers
     SELECT (jsonb_populate_record(transfers, jsonb_build_object('transfer_id', gen_random_uuid(), 'sequence', 100))).*
       FROM credit_transfers transfers WHERE grant_id = :later`,
    ['account balances', 'allocations', 'remaining credits', 'transfer sequence', 'transfer times'],
  ],
  [
    'a grant that is gone',
    `DELETE FROM credit_grants WHERE grant_id = :later`,
    ['allocations', 'draws', 'what grants have left'],
  ],
  [
    'credits that ran out before their time',
    `UPDATE credit_grants SET expires_at = expires_at + interval '1 year' WHERE grant_id = :limited`,
    ['expiries'],
  ],
  [
    'credits that ran out although they never do',
    `UPDATE credit_grants SET expires_at = NULL WHERE grant_id = :limited`,
    ['expiries'],
  ],
  [
    'a draw from a grant for other jobs',
    `UPDATE credit_grants SET job_types = '{other}' WHERE grant_id = :analyses`,
    ['draws'],
  ],
  [
    'a draw from a grant that began later',
    `UPDATE credit_grants SET starts_at = starts_at + interval '30 days' WHERE grant_id = :later`,
    ['draws'],
  ],
  [
    'a draw from a grant that had run out',
    `UPDATE credit_grants SET expires_at = '2026-02-28' WHERE grant_id = :analyses`,
    ['draws'],
  ],
  [
    'a draw from a grant that covers what was overdrawn, and had run out before',
    `UPDATE credit_grants SET expires_at = '2026-02-28' WHERE grant_id = :cover`,
    ['draws'],
  ],
  [
    'a draw that was taken from another grant',
    `UPDATE credit_hold_grants SET grant_id = :later WHERE grant_id = :analyses`,
    ['draws', 'grants'],
  ],
  [
    'a draw without a hold',
    `UPDATE credit_hold_grants SET hold_id = gen_random_uuid() WHERE grant_id = :analyses`,
    ['draws', 'grants', 'holds'],
  ],
  [
    'a draw that gives',
    `UPDATE credit_hold_grants SET credits = credits + CASE grant_id WHEN :limited THEN -4 ELSE 4 END
      WHERE hold_id = ${holdOf('several')}`,
    ['draws', 'grants'],
  ],
];

const HOLDS: readonly Damage[] = [
  [
    'a hold that is said to be released',
    `UPDATE credit_holds SET status = 'released', captured = 0 WHERE job_id = :completed`,
    ['grants', 'holds', 'job charges'],
  ],
  [
    'a hold of another size',
    `UPDATE credit_holds SET credits = 2 WHERE job_id = :open`,
    ['holds', 'job charges'],
  ],
  [
    'a hold that has ended and has not',
    `UPDATE credit_holds SET ended_at = NULL WHERE job_id = :completed`,
    ['holds'],
  ],
  [
    'a hold of which more was refunded',
    `UPDATE credit_holds SET refunded = 2 WHERE job_id = :over`,
    ['holds'],
  ],
  [
    'a hold that has more of a grant',
    `UPDATE credit_hold_grants SET credits = credits + 1 WHERE hold_id = ${holdOf('several')} AND grant_id = :limited`,
    ['grants', 'holds'],
  ],
  [
    'a hold that was released before it began',
    swapped('returned', 'hold', 'release'),
    ['holds', 'transfer times'],
  ],
  [
    'a hold that gave back before it was captured',
    swapped('partial', 'capture', 'remainder'),
    ['holds', 'remaining credits'],
  ],
  [
    'a hold of which part was captured, and more than all of it charged',
    change('partial', 'remainder', `kind = 'overage', credit_account = 'consumed'`),
    ['account balances', 'holds', 'job charges', 'remaining credits', 'transfer moves'],
  ],
  [
    'a transfer of a hold that is not there',
    change('completed', 'capture', `hold_id = gen_random_uuid()`),
    ['holds', 'job charges'],
  ],
  [
    'a refund of another size',
    `UPDATE credit_refunds SET credits = 2 WHERE hold_id = ${holdOf('over')}`,
    ['refunds'],
  ],
  ['a refund that is gone', `DELETE FROM credit_refunds WHERE hold_id = ${holdOf('over')}`, ['refunds']],
  [
    'a refund of another hold',
    `UPDATE credit_refunds SET hold_id = ${holdOf('partial')} WHERE hold_id = ${holdOf('over')}`,
    ['refunds'],
  ],
  [
    'a refund that was booked twice',
    `INSERT INTO credit_transfers
     SELECT (jsonb_populate_record(transfers, jsonb_build_object('transfer_id', gen_random_uuid(), 'sequence', 100))).*
       FROM credit_transfers transfers WHERE kind = 'refund' AND team_id = :usageTeam`,
    ['account balances', 'holds', 'refunds', 'remaining credits', 'transfer sequence', 'transfer times'],
  ],
  [
    'a refund of more than the charge',
    `${change('over', 'refund', 'credits = 6')};
     UPDATE credit_refunds SET credits = 6 WHERE hold_id = ${holdOf('over')}`,
    ['account balances', 'holds', 'refunds', 'remaining credits'],
  ],
  [
    'a late charge for a call of another job',
    change('late', 'overage', `call_id = :partialCall`),
    ['late charges'],
  ],
  ['a late charge for no call', change('late', 'overage', `call_id = gen_random_uuid()`), ['late charges']],
  [
    'a late charge for a call that had ended before the job',
    `UPDATE llm_calls SET ended_at = ended_at - interval '1 hour' WHERE call_id = :lateCall`,
    ['late charges'],
  ],
  [
    'a charge for a call although none was running when the job ended',
    change('over', 'overage', `call_id = :overCall`),
    ['frozen answers', 'late charges'],
  ],
  [
    'a late charge for a job that is paid by the job',
    `UPDATE jobs SET budget_mode = 'job_based' WHERE job_id = :late`,
    ['job prices', 'late charges'],
  ],
  [
    'two late charges for one call',
    `INSERT INTO credit_transfers
     SELECT (jsonb_populate_record(transfers, jsonb_build_object('transfer_id', gen_random_uuid(), 'sequence', 100))).*
       FROM credit_transfers transfers WHERE call_id = :lateCall`,
    [
      ...['account balances', 'frozen answers', 'holds', 'job charges', 'late charges', 'remaining credits'],
      ...['transfer sequence'],
    ],
  ],
];

const JOBS: readonly Damage[] = [
  [
    'a job that was charged more',
    `UPDATE jobs SET credits_charged = 2 WHERE job_id = :completed`,
    ['frozen answers', 'job charges', 'job prices'],
  ],
  [
    'a job that was made free',
    `UPDATE jobs SET credit_applied = false, credits_charged = 0 WHERE job_id = :completed`,
    ['charge rules', 'frozen answers', 'job charges'],
  ],
  [
    'a job opened again',
    `UPDATE jobs SET status = 'in_progress', completed_at = NULL WHERE job_id = :completed`,
    ['charge rules', 'frozen answers', 'job charges'],
  ],
  [
    'a job of another type than its hold',
    `UPDATE credit_holds SET job_type = 'other' WHERE job_id = :completed`,
    ['job charges'],
  ],
  [
    'a second hold without a first',
    `UPDATE credit_holds SET number = 2 WHERE job_id = :completed`,
    ['job charges'],
  ],
  [
    'a job that was short of less',
    `UPDATE jobs SET credits_shortfall = 1 WHERE job_id = :owing`,
    ['frozen answers', 'job charges', 'job prices'],
  ],
  [
    'a job whose debt nothing has forgiven',
    `UPDATE credit_holds SET shortfall = 1 WHERE job_id = :owing;
     UPDATE credit_accounts SET shortfall = 1 WHERE team_id = :shortTeam`,
    ['job charges'],
  ],
  [
    'a hold of no job',
    `UPDATE credit_holds SET job_id = gen_random_uuid() WHERE job_id = :open`,
    ['holds without a job', 'job charges'],
  ],
  [
    'a job that is gone',
    `DELETE FROM jobs WHERE job_id = :completed`,
    ['calls without a job', 'holds without a job'],
  ],
  [
    'a price in tokens that was raised after the charge',
    `UPDATE jobs SET tokens_per_credit = 500 WHERE job_id = :collected`,
    ['job prices'],
  ],
  [
    'a price in dollars that was raised after the charge',
    `UPDATE jobs SET credits_per_dollar = 20 WHERE job_id = :partial`,
    ['job prices'],
  ],
  [
    'a price that cannot be worked out',
    `UPDATE jobs SET tokens_per_credit = 0 WHERE job_id = :collected;
     UPDATE jobs SET budget_mode = 'gifts' WHERE job_id = :over`,
    ['job prices'],
  ],
  [
    'a rule that was not the answered one',
    `UPDATE jobs SET charge_rule = 'server_observed' WHERE job_id = :failed`,
    ['charge rules'],
  ],
  [
    'a completion that was free although a call had succeeded',
    answer('failed', '{"chargeRule": "all_calls_failed", "totalCalls": 0}').replace(
      'SET',
      `SET status = 'completed', charge_rule = 'all_calls_failed',`,
    ),
    ['charge rules'],
  ],
  [
    'an end that is said to have been trusted, and was charged',
    answer('cancelled', '{"chargeRule": "trusted"}').replace('SET', `SET charge_rule = 'trusted',`),
    ['charge rules'],
  ],
  [
    'an end that was free although the server had seen a success',
    answer('free', '{"chargeRule": "server_observed", "failedCalls": 0}').replace(
      'SET',
      `SET charge_rule = 'server_observed',`,
    ),
    // A call that had failed when the job ended cannot have been running then.
    ['charge rules'],
  ],
  [
    'an end that used no free one and was charged',
    answer('paid', '{"successfulCalls": 0, "failedCalls": 1}'),
    ['charge rules', 'frozen answers'],
  ],
  [
    'a charge by no rule of a job that failed',
    `UPDATE jobs SET charge_rule = NULL, completion = completion - 'chargeRule' WHERE job_id = :paid`,
    ['charge rules'],
  ],
  [
    'a job that is open and short of something',
    `UPDATE jobs SET credits_shortfall = 1 WHERE job_id = :open`,
    ['charge rules', 'job charges'],
  ],
  [
    'a total that was raised',
    `UPDATE jobs SET total_tokens = total_tokens + 1 WHERE job_id = :completed`,
    ['frozen answers', 'job totals'],
  ],
  [
    'a total that was raised of a job that calls have outlived',
    `UPDATE jobs SET total_latency_ms = total_latency_ms + 1 WHERE job_id = :late`,
    ['job totals'],
  ],
  [
    'a job that has forgotten its group',
    `UPDATE jobs SET model_groups_used = '{}' WHERE job_id = :completed`,
    ['job groups'],
  ],
  [
    'a job that names a group too many',
    `UPDATE jobs SET model_groups_used = model_groups_used || 'another'::varchar WHERE job_id = :completed`,
    ['job groups'],
  ],
  [
    'a job that names a group without a call',
    `UPDATE jobs SET model_groups_used = '{another}' WHERE job_id = :failed`,
    ['job groups'],
  ],
  [
    'an ended job without its answer',
    `UPDATE jobs SET completion = NULL WHERE job_id = :completed`,
    ['charge rules', 'frozen answers'],
  ],
  ['an answer of another charge', answer('completed', '{"creditsCharged": 2}'), ['frozen answers']],
  [
    'an answer that cannot be read',
    answer('completed', '{"creditsCharged": "one", "totalCostUsd": "dear", "creditsRemaining": {}}'),
    ['frozen answers', 'frozen balances'],
  ],
  [
    'an answer of more than was used in the end',
    answer('late', '{"totalCostUsd": "0.450000000001"}'),
    ['frozen answers'],
  ],
  ['an answer of another latency', answer('completed', '{"avgLatencyMs": 251}'), ['frozen answers']],
  [
    'an answer of a balance that the team never had',
    answer('completed', '{"creditsRemaining": 12345}'),
    ['frozen balances'],
  ],
];

const CALLS: readonly Damage[] = [
  [
    'a call that is gone',
    `DELETE FROM llm_calls WHERE call_id = :lateCall`,
    ['attempts without a call', 'job totals', 'late charges'],
  ],
  [
    'a call of no job',
    `UPDATE llm_calls SET job_id = gen_random_uuid() WHERE call_id = :completedCall`,
    ['calls without a job', 'job groups', 'job totals'],
  ],
  [
    'a call that used other tokens',
    `UPDATE llm_calls SET prompt_tokens = prompt_tokens + 1 WHERE call_id = :completedCall`,
    ['call totals'],
  ],
  [
    'a call that is said to have failed',
    `UPDATE llm_calls SET status = 'failed' WHERE call_id = :completedCall`,
    ['call totals', 'job totals'],
  ],
  [
    'a running call that has cost something already',
    `UPDATE llm_calls SET cost_usd = 0.0001 WHERE call_id = :running`,
    ['call totals', 'job totals'],
  ],
  [
    'a running call of which no attempt runs',
    `UPDATE llm_attempts SET status = 'succeeded', ended_at = now(), cost_usd = 0, cost_source = 'upstream_header'
      WHERE call_id = :running AND status = 'in_flight'`,
    ['call totals'],
  ],
  ['a call without an attempt', `DELETE FROM llm_attempts WHERE call_id = :completedCall`, ['call totals']],
  [
    'an attempt that became cheaper',
    `UPDATE llm_attempts SET cost_usd = 0 WHERE call_id = :completedCall`,
    ['call totals'],
  ],
  [
    'an attempt before the first',
    `UPDATE llm_attempts SET number = number - 1 WHERE call_id = :completedCall`,
    ['call totals'],
  ],
  [
    'an attempt that never ends',
    `UPDATE llm_attempts SET status = 'in_flight', ended_at = NULL, cost_usd = NULL, cost_source = NULL
      WHERE call_id = :completedCall`,
    ['attempts of ended calls', 'call totals'],
  ],
  [
    'an attempt of no call',
    `UPDATE llm_attempts SET call_id = gen_random_uuid() WHERE call_id = :completedCall`,
    ['attempts without a call', 'call totals'],
  ],
  [
    'a cost from nowhere',
    `UPDATE llm_attempts SET cost_source = NULL WHERE call_id = :completedCall`,
    ['attempt costs'],
  ],
  [
    'a cost that is unknown and known',
    `UPDATE llm_attempts SET cost_source = 'unpriced' WHERE call_id = :completedCall`,
    ['attempt costs'],
  ],
  [
    'a running attempt that has cost something',
    `UPDATE llm_attempts SET cost_usd = 1 WHERE call_id = :running AND status = 'in_flight'`,
    ['attempt costs'],
  ],
];

/**
 * Damage that no request can do, planted where no constraint refuses it, and the checks that must see it. The
 * names are those of the books that `writeBooks` writes.
 */
export const DAMAGE: readonly Damage[] = [...ACCOUNTS, ...TRANSFERS, ...GRANTS, ...HOLDS, ...JOBS, ...CALLS];
