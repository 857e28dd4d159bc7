/** One thing that must hold. Its query returns a row for every object of which it does not. */
export interface LedgerCheck {
  readonly name: string;
  /** What is wrong with the objects that the query returns. */
  readonly finding: string;
  /** Selects `team_id`, `id`, `expected` and `found`, all as text. */
  readonly sql: string;
}

/** A balance derived from the transfers alone: what was credited to an account less what was debited. */
const DERIVED_BALANCES = `
  SELECT team_id,
         sum(CASE WHEN credit_account = 'issued' THEN credits WHEN debit_account = 'issued' THEN -credits ELSE 0 END) AS issued,
         sum(CASE WHEN credit_account = 'available' THEN credits WHEN debit_account = 'available' THEN -credits ELSE 0 END) AS available,
         sum(CASE WHEN credit_account = 'held' THEN credits WHEN debit_account = 'held' THEN -credits ELSE 0 END) AS held,
         sum(CASE WHEN credit_account = 'consumed' THEN credits WHEN debit_account = 'consumed' THEN -credits ELSE 0 END) AS consumed,
         count(*) AS transfers
    FROM credit_transfers GROUP BY team_id`;

/**
 * Everything about money that is kept in two places, derived again from the one that counts: transfers
 * for credits, attempts for costs.
 */
export const LEDGER_CHECKS: readonly LedgerCheck[] = [
  {
    name: 'account balances',
    finding: 'the account does not show what its transfers add up to (issued/available/held/consumed)',
    sql: `
      SELECT team_id, team_id AS id,
             concat_ws('/', COALESCE(derived.issued, 0), COALESCE(derived.available, 0),
                            COALESCE(derived.held, 0), COALESCE(derived.consumed, 0)) AS expected,
             concat_ws('/', accounts.issued, accounts.available, accounts.held, accounts.consumed) AS found
        FROM credit_accounts accounts FULL JOIN (${DERIVED_BALANCES}) derived USING (team_id)
       WHERE (accounts.issued, accounts.available, accounts.held, accounts.consumed) IS DISTINCT FROM
             (COALESCE(derived.issued, 0), COALESCE(derived.available, 0),
              COALESCE(derived.held, 0), COALESCE(derived.consumed, 0))`,
  },
  {
    name: 'transfer sequence',
    finding: "the team's transfers are not numbered from 1 without a gap",
    sql: `
      SELECT accounts.team_id, accounts.team_id AS id, accounts.last_sequence::text AS expected,
             concat(count(transfers.sequence), ' transfers up to ', COALESCE(max(transfers.sequence), 0)) AS found
        FROM credit_accounts accounts LEFT JOIN credit_transfers transfers USING (team_id)
       GROUP BY accounts.team_id
      HAVING count(transfers.sequence) <> accounts.last_sequence
          OR COALESCE(max(transfers.sequence), 0) <> accounts.last_sequence`,
  },
  {
    name: 'remaining credits',
    finding: 'the transfer does not show what remained after it',
    sql: `
      SELECT team_id, transfer_id::text AS id, remaining::text AS expected, remaining_after::text AS found
        FROM (SELECT team_id, transfer_id, remaining_after,
                     sum(CASE WHEN credit_account IN ('available', 'held') THEN credits ELSE 0 END
                         - CASE WHEN debit_account IN ('available', 'held') THEN credits ELSE 0 END)
                       OVER (PARTITION BY team_id ORDER BY sequence) AS remaining
                FROM credit_transfers) sums
       WHERE remaining_after <> remaining`,
  },
  {
    name: 'grants',
    finding: 'what remains of the grant is not what it gave less what its holds took',
    sql: `
      SELECT grants.team_id, grants.grant_id::text AS id,
             (grants.credits - COALESCE(sum(drawn.credits), 0))::text AS expected, grants.remaining::text AS found
        FROM credit_grants grants
        LEFT JOIN (credit_hold_grants drawn
                   JOIN credit_holds holds ON holds.hold_id = drawn.hold_id AND holds.team_id = drawn.team_id
                                          AND holds.status <> 'released')
               ON drawn.grant_id = grants.grant_id AND drawn.team_id = grants.team_id
       GROUP BY grants.grant_id, grants.team_id
      HAVING grants.remaining <> grants.credits - COALESCE(sum(drawn.credits), 0)`,
  },
  {
    name: 'allocations',
    finding: 'the grant was not booked by exactly one allocation of its size',
    sql: `
      SELECT grants.team_id, grants.grant_id::text AS id, grants.credits::text AS expected,
             COALESCE(transfers.credits::text, 'no transfer') AS found
        FROM credit_grants grants
        LEFT JOIN credit_transfers transfers
               ON transfers.grant_id = grants.grant_id AND transfers.team_id = grants.team_id
       WHERE transfers.credits IS DISTINCT FROM grants.credits`,
  },
  {
    name: 'holds',
    finding: 'the hold, what it drew from grants and its transfers do not tell the same',
    sql: `
      SELECT holds.team_id, holds.hold_id::text AS id,
             concat(holds.credits, ' ', holds.status) AS expected,
             concat_ws(', ', 'drawn ' || COALESCE((SELECT sum(drawn.credits) FROM credit_hold_grants drawn
                                WHERE drawn.hold_id = holds.hold_id AND drawn.team_id = holds.team_id), 0),
                             'transfers ' || COALESCE(booked.kinds, 'none')) AS found
        FROM credit_holds holds
        LEFT JOIN LATERAL (
               SELECT string_agg(kind || ' ' || credits, ' then ' ORDER BY sequence) AS kinds
                 FROM credit_transfers transfers
                WHERE transfers.hold_id = holds.hold_id AND transfers.team_id = holds.team_id) booked ON true
       WHERE booked.kinds IS DISTINCT FROM concat('hold ', holds.credits,
               CASE holds.status WHEN 'captured' THEN ' then capture ' || holds.credits
                                 WHEN 'released' THEN ' then release ' || holds.credits END)
          OR holds.credits <> COALESCE((SELECT sum(drawn.credits) FROM credit_hold_grants drawn
                                         WHERE drawn.hold_id = holds.hold_id AND drawn.team_id = holds.team_id), 0)`,
  },
  {
    name: 'job charges',
    finding: "the job's state and charge do not fit its hold",
    sql: `
      SELECT jobs.team_id, jobs.job_id::text AS id,
             concat(jobs.status, ', held ', jobs.credits_held, ', charged ', jobs.credits_charged) AS expected,
             COALESCE(holds.status || ' ' || holds.credits, 'no hold') AS found
        FROM jobs LEFT JOIN credit_holds holds ON holds.job_id = jobs.job_id AND holds.team_id = jobs.team_id
       WHERE (holds.status, holds.credits) IS DISTINCT FROM
             (CASE WHEN jobs.completed_at IS NULL THEN 'held'
                   WHEN jobs.credit_applied THEN 'captured' ELSE 'released' END, jobs.credits_held)
          OR jobs.credits_charged <> CASE WHEN jobs.credit_applied THEN jobs.credits_held ELSE 0 END`,
  },
  {
    name: 'holds without a job',
    finding: 'the hold names a job that does not exist',
    sql: `
      SELECT holds.team_id, holds.hold_id::text AS id, 'a job' AS expected, 'none' AS found
        FROM credit_holds holds LEFT JOIN jobs ON jobs.job_id = holds.job_id AND jobs.team_id = holds.team_id
       WHERE jobs.job_id IS NULL`,
  },
  {
    name: 'job totals',
    finding:
      'the totals of the job are not the sums of its calls (calls/successful/failed/running/unpriced/tokens/cost/latency)',
    sql: `
      SELECT jobs.team_id, jobs.job_id::text AS id,
             concat_ws('/', sums.total, sums.successful, sums.failed, sums.running, sums.unpriced,
                            sums.tokens, sums.cost, sums.latency) AS expected,
             concat_ws('/', total_calls, successful_calls, failed_calls, running_calls, unpriced_calls,
                            total_tokens, total_cost_usd, total_latency_ms) AS found
        FROM jobs
        CROSS JOIN LATERAL (
               SELECT count(*) AS total,
                      count(*) FILTER (WHERE status = 'succeeded') AS successful,
                      count(*) FILTER (WHERE status IN ('failed', 'interrupted')) AS failed,
                      count(*) FILTER (WHERE status = 'in_flight') AS running,
                      count(*) FILTER (WHERE is_unpriced) AS unpriced,
                      COALESCE(sum(calls.total_tokens), 0) AS tokens,
                      COALESCE(sum(calls.cost_usd), 0)::numeric(24, 12) AS cost,
                      COALESCE(sum(calls.latency_ms) FILTER (WHERE status = 'succeeded'), 0) AS latency
                 FROM llm_calls calls
                WHERE calls.job_id = jobs.job_id AND calls.team_id = jobs.team_id) sums
       WHERE (total_calls, successful_calls, failed_calls, running_calls, unpriced_calls,
              jobs.total_tokens, total_cost_usd, total_latency_ms) IS DISTINCT FROM
             (sums.total, sums.successful, sums.failed, sums.running, sums.unpriced,
              sums.tokens, sums.cost, sums.latency)`,
  },
  {
    name: 'job groups',
    finding: 'the job does not name the groups that its ended calls went to',
    sql: `
      SELECT jobs.team_id, jobs.job_id::text AS id, array_to_string(called.groups, ', ') AS expected,
             array_to_string(model_groups_used, ', ') AS found
        FROM jobs
        CROSS JOIN LATERAL (
               SELECT COALESCE(array_agg(DISTINCT model_group ORDER BY model_group), '{}') AS groups
                 FROM llm_calls calls
                WHERE calls.job_id = jobs.job_id AND calls.team_id = jobs.team_id
                  AND calls.status <> 'in_flight') called
       WHERE called.groups <> ARRAY(SELECT used FROM unnest(model_groups_used) used ORDER BY used)`,
  },
  {
    name: 'call totals',
    finding: 'the totals of the call are not the sums of its attempts (tokens/cost/unpriced)',
    sql: `
      SELECT calls.team_id, calls.call_id::text AS id,
             concat_ws('/', sums.tokens, sums.cost, sums.is_unpriced) AS expected,
             concat_ws('/', calls.total_tokens, calls.cost_usd, calls.is_unpriced) AS found
        FROM llm_calls calls
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(attempts.total_tokens), 0) AS tokens,
                      COALESCE(sum(attempts.cost_usd), 0)::numeric(24, 12) AS cost,
                      COALESCE(bool_or(attempts.cost_source = 'unpriced'), false) AS is_unpriced,
                      count(*) AS attempts
                 FROM llm_attempts attempts
                WHERE attempts.call_id = calls.call_id AND attempts.team_id = calls.team_id) sums
       WHERE sums.attempts = 0
          OR calls.status <> 'in_flight' AND
             (calls.total_tokens, calls.cost_usd, calls.is_unpriced) IS DISTINCT FROM
             (sums.tokens, sums.cost, sums.is_unpriced)`,
  },
  {
    name: 'attempts of ended calls',
    finding: 'the attempt is in flight although its call has ended',
    sql: `
      SELECT attempts.team_id, attempts.attempt_id::text AS id, calls.status AS expected, attempts.status AS found
        FROM llm_attempts attempts
        JOIN llm_calls calls ON calls.call_id = attempts.call_id AND calls.team_id = attempts.team_id
       WHERE attempts.status = 'in_flight' AND calls.status <> 'in_flight'`,
  },
  {
    name: 'frozen answers',
    finding: 'the answer frozen at completion does not show what was charged',
    sql: `
      SELECT team_id, job_id::text AS id, credits_charged::text AS expected,
             COALESCE(completion ->> 'creditsCharged', 'none') AS found
        FROM jobs
       WHERE (completed_at IS NOT NULL) <> (completion IS NOT NULL)
          OR completion IS NOT NULL AND (completion ->> 'creditsCharged')::bigint <> credits_charged`,
  },
];
