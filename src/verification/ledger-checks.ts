import { CREDIT_ACCOUNTS, type CreditAccountName } from '../credits/credits.types.js';

/** One thing that must hold. Its query returns a row for every object of which it does not. */
export interface LedgerCheck {
  readonly name: string;
  /** What is wrong with the objects that the query returns. */
  readonly finding: string;
  /** Selects `team_id`, `id`, `expected` and `found`, all as text. */
  readonly sql: string;
}

const sumOf = (account: CreditAccountName): string =>
  `sum(CASE WHEN credit_account = '${account}' THEN credits WHEN debit_account = '${account}' THEN -credits ELSE 0 END) AS ${account}`;

/** Balances derived from the transfers alone: what was credited to an account less what was debited. */
const DERIVED_BALANCES = `
  SELECT team_id, ${CREDIT_ACCOUNTS.map(sumOf).join(', ')} FROM credit_transfers GROUP BY team_id`;

const derived = (account: CreditAccountName): string => `COALESCE(derived.${account}, 0)`;
const found = (account: CreditAccountName): string => `accounts.${account}`;

/**
 * Everything about money that is kept in two places, derived again from the one that counts: transfers
 * for credits, attempts for costs.
 */
export const LEDGER_CHECKS: readonly LedgerCheck[] = [
  {
    name: 'account balances',
    finding: `the account does not show what its transfers add up to (${CREDIT_ACCOUNTS.join('/')})`,
    sql: `
      SELECT team_id, team_id AS id, concat_ws('/', ${CREDIT_ACCOUNTS.map(derived).join(', ')}) AS expected,
             concat_ws('/', ${CREDIT_ACCOUNTS.map(found).join(', ')}) AS found
        FROM credit_accounts accounts FULL JOIN (${DERIVED_BALANCES}) derived USING (team_id)
       WHERE (${CREDIT_ACCOUNTS.map(found).join(', ')}) IS DISTINCT FROM
             (${CREDIT_ACCOUNTS.map(derived).join(', ')})`,
  },
  {
    name: 'debts',
    finding: 'the account does not show what its holds have overdrawn and are short of (overdrawn/shortfall)',
    sql: `
      SELECT accounts.team_id, accounts.team_id AS id, concat_ws('/', owed.overdrawn, owed.shortfall) AS expected,
             concat_ws('/', accounts.overdrawn, accounts.shortfall) AS found
        FROM credit_accounts accounts
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(holds.overdrawn), 0) AS overdrawn, COALESCE(sum(holds.shortfall), 0) AS shortfall
                 FROM credit_holds holds WHERE holds.team_id = accounts.team_id) owed
       WHERE (accounts.overdrawn, accounts.shortfall) <> (owed.overdrawn, owed.shortfall)`,
  },
  {
    name: 'what grants have left',
    finding: 'what the grants have left is not what is available and what is overdrawn',
    sql: `
      SELECT accounts.team_id, accounts.team_id AS id, (accounts.available + accounts.overdrawn)::text AS expected,
             COALESCE(sum(grants.remaining), 0)::text AS found
        FROM credit_accounts accounts LEFT JOIN credit_grants grants USING (team_id)
       GROUP BY accounts.team_id
      HAVING COALESCE(sum(grants.remaining), 0) <> accounts.available + accounts.overdrawn`,
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
    finding: 'what remains of the grant is not what it gave less what holds have of it and what has expired',
    sql: `
      SELECT grants.team_id, grants.grant_id::text AS id,
             (grants.credits - drawn.credits - lapsed.credits)::text AS expected,
             concat(grants.remaining, CASE WHEN grants.expired <> lapsed.credits
                                           THEN concat(' and ', grants.expired, ' expired') END) AS found
        FROM credit_grants grants
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(drawn.credits), 0) AS credits
                 FROM credit_hold_grants drawn JOIN credit_holds holds USING (hold_id, team_id)
                WHERE drawn.grant_id = grants.grant_id AND drawn.team_id = grants.team_id
                  AND holds.status <> 'released') drawn
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(transfers.credits), 0) AS credits FROM credit_transfers transfers
                WHERE transfers.grant_id = grants.grant_id AND transfers.team_id = grants.team_id
                  AND transfers.kind = 'expiry') lapsed
       WHERE (grants.remaining, grants.expired) <> (grants.credits - drawn.credits - lapsed.credits, lapsed.credits)`,
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
              AND transfers.kind = 'allocation'
       WHERE transfers.credits IS DISTINCT FROM grants.credits`,
  },
  {
    name: 'holds',
    finding: 'the hold, what it has from grants, its refunds and its transfers do not tell the same',
    sql: `
      SELECT holds.team_id, holds.hold_id::text AS id,
             concat_ws(', ', concat(holds.credits, ' ', holds.status), 'captured ' || holds.captured,
                       'refunded ' || holds.refunded, 'overdrawn ' || holds.overdrawn) AS expected,
             concat_ws(', ', 'drawn ' || drawn.credits, 'begun ' || booked.begun, 'ended ' || booked.ended,
                       'captured ' || booked.captured, 'refunded ' || booked.refunded,
                       'refunds ' || repaid.credits) AS found
        FROM credit_holds holds
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(drawn.credits), 0) AS credits FROM credit_hold_grants drawn
                WHERE drawn.hold_id = holds.hold_id AND drawn.team_id = holds.team_id) drawn
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(refunds.credits), 0) AS credits FROM credit_refunds refunds
                WHERE refunds.hold_id = holds.hold_id AND refunds.team_id = holds.team_id) repaid
        CROSS JOIN LATERAL (
               SELECT COALESCE(sum(credits) FILTER (WHERE kind = 'hold'), 0) AS begun,
                      COALESCE(sum(credits) FILTER (WHERE debit_account = 'held'), 0) AS ended,
                      COALESCE(sum(credits) FILTER (WHERE credit_account = 'consumed'), 0) AS captured,
                      COALESCE(sum(credits) FILTER (WHERE kind = 'refund'), 0) AS refunded,
                      count(*) FILTER (WHERE kind = 'release') AS releases,
                      count(*) FILTER (WHERE kind = 'capture') AS captures
                 FROM credit_transfers transfers
                WHERE transfers.hold_id = holds.hold_id AND transfers.team_id = holds.team_id) booked
       WHERE (booked.begun, booked.ended, booked.captured, booked.refunded, repaid.credits) IS DISTINCT FROM
             (holds.credits, CASE WHEN holds.status = 'held' THEN 0 ELSE holds.credits END, holds.captured,
              holds.refunded, holds.refunded)
          OR (booked.captures, booked.releases) IS DISTINCT FROM
             (CASE WHEN holds.status = 'captured' THEN 1 ELSE 0 END, CASE WHEN holds.status = 'released' THEN 1 ELSE 0 END)
          OR holds.status = 'held' AND drawn.credits + holds.overdrawn <> holds.credits
          OR holds.status = 'captured' AND drawn.credits + holds.overdrawn <> holds.captured - holds.refunded`,
  },
  {
    name: 'job charges',
    finding: "the job's state and charge do not fit its holds",
    sql: `
      SELECT jobs.team_id, jobs.job_id::text AS id,
             concat(jobs.status, ', held ', jobs.credits_held, ', charged ', jobs.credits_charged, ', short ',
                    jobs.credits_shortfall) AS expected,
             COALESCE(owned.holds, 'no hold') AS found
        FROM jobs
        CROSS JOIN LATERAL (
               SELECT string_agg(concat(holds.status, ' ', holds.credits), ' then ' ORDER BY number) AS holds,
                      count(*) FILTER (WHERE holds.status = 'held') AS running,
                      count(*) FILTER (WHERE holds.status = 'captured') AS captured,
                      count(*) FILTER (WHERE holds.status = 'released') AS released,
                      COALESCE(sum(holds.captured), 0) AS charged,
                      COALESCE(sum(holds.captured + holds.shortfall), 0) AS due,
                      COALESCE(sum(holds.refunded), 0) AS refunded,
                      bool_and(holds.credits = jobs.credits_held) AS are_of_size
                 FROM credit_holds holds
                WHERE holds.job_id = jobs.job_id AND holds.team_id = jobs.team_id) owned
       WHERE owned.are_of_size IS DISTINCT FROM true
          OR owned.running <> CASE WHEN jobs.completed_at IS NULL THEN 1 ELSE 0 END
          OR owned.captured <> CASE WHEN jobs.credit_applied THEN 1 ELSE 0 END
          OR owned.released > 1
          OR jobs.credits_charged > owned.charged
          OR jobs.credits_charged + jobs.credits_shortfall < owned.due
          -- A refund of the whole charge forgives what it was short of.
          OR jobs.credits_charged + jobs.credits_shortfall > owned.due AND owned.refunded < owned.charged`,
  },
  {
    name: 'job prices',
    finding: 'what was due for the charged job is not what its mode and its totals come to',
    sql: `
      SELECT team_id, job_id::text AS id, concat(price.due, ' by ', budget_mode) AS expected,
             (credits_charged + credits_shortfall)::text AS found
        FROM jobs
        CROSS JOIN LATERAL (
               SELECT CASE budget_mode
                        WHEN 'job_based' THEN credits_held::numeric
                        WHEN 'consumption_usd' THEN GREATEST(1, ceil(total_cost_usd * credits_per_dollar))
                        ELSE GREATEST(1, ceil(total_tokens::numeric / tokens_per_credit)) END AS due) price
       WHERE credit_applied AND credits_charged + credits_shortfall <> price.due`,
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
          OR completion IS NOT NULL
             AND ((completion ->> 'creditsCharged')::bigint > credits_charged
                  OR (completion ->> 'creditApplied')::boolean <> credit_applied
                  -- Only a call that ends later adds to the charge, and only where credits buy consumption.
                  OR budget_mode = 'job_based' AND (completion ->> 'creditsCharged')::bigint <> credits_charged)`,
  },
];
