import type { LedgerCheck } from './ledger-check.js';

/** Clocks of replicas differ by less: what one saw before may carry a later time of another. */
const CLOCK_ALLOWANCE = `interval '1 minute'`;

/** A number of the frozen answer; null where there is none, whatever else there is. */
const frozen = (name: string): string =>
  `CASE WHEN jsonb_typeof(jobs.completion -> '${name}') = 'number' THEN (jobs.completion ->> '${name}')::numeric END`;

const FROZEN_COST = `CASE WHEN jobs.completion ->> 'totalCostUsd' ~ '^[0-9]{1,30}([.][0-9]{1,30})?$'
                          THEN (jobs.completion ->> 'totalCostUsd')::numeric END`;

/** Calls that had not ended when the job did. */
const RUNNING_AT_END = `(${frozen('totalCalls')} - ${frozen('successfulCalls')} - ${frozen('failedCalls')})`;
const HAD_ONLY_FAILED = `(${frozen('totalCalls')} > 0 AND ${frozen('failedCalls')} = ${frozen('totalCalls')})`;

/** The model did what was asked of it, even if its client had left. */
const DID_ITS_PART = `status IN ('succeeded', 'client_disconnected')`;

/** Kinds of tokens, none of which is counted twice. */
const INPUT_BUCKETS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'audio_input_tokens',
  'image_input_tokens',
];
const OUTPUT_BUCKETS = ['output_tokens', 'reasoning_tokens', 'audio_output_tokens', 'image_output_tokens'];
const BUCKETS = [...INPUT_BUCKETS, ...OUTPUT_BUCKETS];

const RULE = `COALESCE(jobs.charge_rule, jobs.completion ->> 'chargeRule')`;
const IS_OPEN = `jobs.status IN ('pending', 'in_progress')`;
const ENDED_OTHERWISE = `jobs.status IN ('failed', 'cancelled', 'expired')`;

/** What jobs were charged against their holds, and their totals against calls and attempts. */
export const JOB_CHECKS: readonly LedgerCheck[] = [
  {
    name: 'late charges',
    finding: 'the overage is not of one call of its job that ended after it',
    sql: `
      SELECT late.team_id, late.transfer_id::text AS id,
             concat('one overage of a call that ended after the job ', late.job_id,
                    ', of ', ${RUNNING_AT_END}, ' such calls') AS expected,
             concat_ws(', ', concat(late.charges, ' of call ', late.call_id), 'of job ' || calls.job_id, calls.status,
                       calls.ended_at, concat('number ', late.place)) AS found
        FROM (SELECT transfers.team_id, transfers.transfer_id, transfers.call_id, holds.job_id,
                     row_number() OVER (PARTITION BY transfers.team_id, holds.job_id ORDER BY transfers.sequence) AS place,
                     count(*) OVER (PARTITION BY transfers.team_id, transfers.call_id) AS charges
                FROM credit_transfers transfers LEFT JOIN credit_holds holds USING (hold_id, team_id)
               WHERE transfers.call_id IS NOT NULL) late
        LEFT JOIN jobs ON jobs.job_id = late.job_id AND jobs.team_id = late.team_id
        LEFT JOIN llm_calls calls ON calls.call_id = late.call_id AND calls.team_id = late.team_id
       WHERE calls.job_id IS DISTINCT FROM late.job_id
          OR (calls.ended_at >= jobs.completed_at - ${CLOCK_ALLOWANCE}) IS NOT TRUE
          OR calls.status = 'in_flight'
          OR jobs.budget_mode = 'job_based'
          OR late.charges > 1
          OR late.place > ${RUNNING_AT_END}`,
  },
  {
    name: 'job charges',
    finding: "the job's state and charge do not fit its holds",
    sql: `
      WITH owned AS (
        SELECT team_id, job_id, string_agg(status, ' then ' ORDER BY number) AS states,
               count(*) AS holds, min(number) AS first, max(number) AS last,
               min(credits) AS smallest, max(credits) AS largest,
               min(job_type) AS job_type, max(job_type) AS other_job_type, sum(shortfall) AS shortfall
          FROM credit_holds GROUP BY team_id, job_id
      ), booked AS (
        SELECT team_id, job_id,
               sum(credits) FILTER (WHERE kind IN ('capture', 'overage')) AS charged,
               sum(credits) FILTER (WHERE kind = 'collection') AS collected,
               bool_or(kind = 'refund' AND left_of_charge = 0) AS was_refunded
          FROM (SELECT transfers.team_id, holds.job_id, transfers.kind, transfers.credits,
                       sum(CASE WHEN transfers.kind = 'refund' THEN -transfers.credits ELSE transfers.credits END)
                         OVER (PARTITION BY transfers.team_id, transfers.hold_id ORDER BY transfers.sequence)
                         AS left_of_charge
                  FROM credit_transfers transfers JOIN credit_holds holds USING (hold_id, team_id)
                 WHERE transfers.kind IN ('capture', 'overage', 'collection', 'refund')) running
         GROUP BY team_id, job_id
      )
      SELECT team_id, job_id::text AS id,
             concat(jobs.status, ', held ', jobs.credits_held, ', charged ', jobs.credits_charged, ', short ',
                    jobs.credits_shortfall) AS expected,
             concat(COALESCE(owned.states, 'no hold'), ', held ', owned.largest, ', charged ',
                    COALESCE(booked.charged, 0), ', short ',
                    COALESCE(owned.shortfall, 0) + COALESCE(booked.collected, 0)) AS found
        FROM jobs
        LEFT JOIN owned USING (team_id, job_id)
        LEFT JOIN booked USING (team_id, job_id)
       WHERE (owned.smallest, owned.largest, owned.job_type, owned.other_job_type, owned.first, owned.last)
             IS DISTINCT FROM
             (jobs.credits_held, jobs.credits_held, jobs.job_type, jobs.job_type, 1, owned.holds)
          OR CASE WHEN jobs.completed_at IS NULL THEN owned.states <> 'held'
                  WHEN NOT jobs.credit_applied THEN owned.states <> 'released'
                  -- An expired job that is completed after all holds a second time.
                  WHEN jobs.status = 'completed' THEN owned.states NOT IN ('captured', 'released then captured')
                  ELSE owned.states <> 'captured' END
          OR jobs.credit_applied <> (jobs.credits_charged > 0)
          OR jobs.credits_charged <> COALESCE(booked.charged, 0)
          OR jobs.credits_shortfall < owned.shortfall + COALESCE(booked.collected, 0)
          -- A refund of the whole charge forgives what it was short of.
          OR jobs.credits_shortfall > owned.shortfall + COALESCE(booked.collected, 0)
             AND booked.was_refunded IS NOT TRUE`,
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
                        WHEN 'consumption_usd' THEN
                          GREATEST(1, LEAST(ceil(total_cost_usd * credits_per_dollar), ${String(Number.MAX_SAFE_INTEGER)}))
                        WHEN 'consumption_tokens' THEN
                          GREATEST(1, div(total_tokens::numeric + tokens_per_credit - 1,
                                          NULLIF(tokens_per_credit, 0)::numeric))
                      END AS due) price
       WHERE credit_applied AND (credits_charged::numeric + credits_shortfall) IS DISTINCT FROM price.due`,
  },
  {
    name: 'charge rules',
    finding: 'the rule that is said to have decided would have decided otherwise',
    sql: `
      SELECT team_id, job_id::text AS id,
             concat(COALESCE(jobs.charge_rule, 'no rule'), ', with ', ${frozen('totalCalls')}, ' calls, ',
                    ${frozen('successfulCalls')}, ' successful, ', ${frozen('failedCalls')}, ' failed') AS expected,
             concat(jobs.status, ', ', CASE WHEN jobs.credit_applied THEN 'charged' ELSE 'not charged' END,
                    ', answered ', COALESCE(jobs.completion ->> 'chargeRule', 'no rule')) AS found
        FROM jobs
       -- The answer alone has it where the schema was once taken back to a version without the column.
       WHERE jobs.charge_rule IS NOT NULL AND jobs.charge_rule IS DISTINCT FROM (jobs.completion ->> 'chargeRule')
          OR jobs.completed_at IS NULL
             AND (jobs.charge_rule IS NOT NULL OR jobs.credit_applied
                  OR jobs.credits_charged <> 0 OR jobs.credits_shortfall <> 0)
          OR jobs.completed_at IS NOT NULL AND (CASE ${RULE}
               WHEN 'completed' THEN jobs.status = 'completed' AND jobs.credit_applied AND NOT ${HAD_ONLY_FAILED}
               WHEN 'all_calls_failed' THEN
                 jobs.status = 'completed' AND NOT jobs.credit_applied AND ${HAD_ONLY_FAILED}
               WHEN 'trusted' THEN ${ENDED_OTHERWISE} AND NOT jobs.credit_applied
               WHEN 'server_observed' THEN
                 ${ENDED_OTHERWISE}
                 AND jobs.credit_applied = (${frozen('totalCalls')} > 0 AND ${frozen('failedCalls')}
                                            + COALESCE(${frozen('schemaMissedCalls')}, 0) = 0)
               WHEN 'allowance' THEN
                 ${ENDED_OTHERWISE} AND (NOT jobs.credit_applied
                      -- A call that was running then counts as one that succeeds.
                      OR ${frozen('successfulCalls')} > 0 OR ${RUNNING_AT_END} > 0)
               -- Older versions kept no rule: what was completed was charged unless all of its calls had failed.
               ELSE ${RULE} IS NULL
                    AND jobs.credit_applied = (jobs.status = 'completed' AND NOT ${HAD_ONLY_FAILED})
             END) IS NOT TRUE
          OR jobs.credits_shortfall <> 0 AND NOT jobs.credit_applied`,
  },
  {
    name: 'holds without a job',
    finding: 'the hold names a job that does not exist',
    sql: `
      SELECT holds.team_id, holds.hold_id::text AS id, 'a job' AS expected, 'none' AS found
        FROM credit_holds holds
       WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.job_id = holds.job_id AND jobs.team_id = holds.team_id)`,
  },
  {
    name: 'job totals',
    finding:
      'the totals of the job are not the sums of its calls (calls/successful/failed/running/unpriced/schema missed/tokens/cost/latency)',
    sql: `
      SELECT team_id, job_id::text AS id,
             concat_ws('/', COALESCE(sums.total, 0), COALESCE(sums.successful, 0), COALESCE(sums.failed, 0),
                            COALESCE(sums.running, 0), COALESCE(sums.unpriced, 0), COALESCE(sums.missed, 0),
                            COALESCE(sums.tokens, 0), COALESCE(sums.cost, 0)::numeric(40, 12), COALESCE(sums.latency, 0)) AS expected,
             concat_ws('/', jobs.total_calls, jobs.successful_calls, jobs.failed_calls, jobs.running_calls,
                            jobs.unpriced_calls, jobs.schema_missed_calls, jobs.total_tokens, jobs.total_cost_usd,
                            jobs.total_latency_ms) AS found
        FROM jobs
        LEFT JOIN (
               SELECT team_id, job_id, count(*) AS total,
                      count(*) FILTER (WHERE ${DID_ITS_PART}) AS successful,
                      count(*) FILTER (WHERE status IN ('failed', 'interrupted', 'partial')) AS failed,
                      count(*) FILTER (WHERE status = 'in_flight') AS running,
                      count(*) FILTER (WHERE is_unpriced) AS unpriced,
                      count(*) FILTER (WHERE schema_outcome = 'missed') AS missed,
                      sum(total_tokens) AS tokens, sum(cost_usd) AS cost,
                      sum(latency_ms) FILTER (WHERE ${DID_ITS_PART}) AS latency
                 FROM llm_calls GROUP BY team_id, job_id) sums USING (team_id, job_id)
       WHERE (jobs.total_calls, jobs.successful_calls, jobs.failed_calls, jobs.running_calls, jobs.unpriced_calls,
              jobs.schema_missed_calls, jobs.total_tokens, jobs.total_cost_usd, jobs.total_latency_ms) IS DISTINCT FROM
             (COALESCE(sums.total, 0), COALESCE(sums.successful, 0), COALESCE(sums.failed, 0),
              COALESCE(sums.running, 0), COALESCE(sums.unpriced, 0), COALESCE(sums.missed, 0),
              COALESCE(sums.tokens, 0), COALESCE(sums.cost, 0), COALESCE(sums.latency, 0))`,
  },
  {
    name: 'job groups',
    finding: 'the job does not name the groups that its ended calls went to',
    sql: `
      SELECT team_id, job_id::text AS id, COALESCE(array_to_string(called.groups, ', '), '') AS expected,
             array_to_string(jobs.model_groups_used, ', ') AS found
        FROM jobs
        LEFT JOIN (SELECT team_id, job_id, array_agg(DISTINCT model_group) AS groups
                     FROM llm_calls WHERE status <> 'in_flight' GROUP BY team_id, job_id) called
             USING (team_id, job_id)
       WHERE CASE WHEN called.groups IS NULL THEN cardinality(jobs.model_groups_used) <> 0
                  ELSE cardinality(jobs.model_groups_used) <> cardinality(called.groups)
                       OR NOT jobs.model_groups_used @> called.groups END`,
  },
  {
    name: 'calls without a job',
    finding: 'the call names a job that does not exist',
    sql: `
      SELECT calls.team_id, calls.call_id::text AS id, 'a job' AS expected, 'none' AS found
        FROM llm_calls calls
       WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.job_id = calls.job_id AND jobs.team_id = calls.team_id)`,
  },
  {
    name: 'call totals',
    finding:
      'the call does not show what its attempts come to (status, attempts, prompt/completion/total tokens, cost, unpriced)',
    sql: `
      SELECT team_id, call_id::text AS id,
             concat(CASE WHEN sums.running > 0 THEN 'in_flight' WHEN sums.successful > 0 THEN 'succeeded'
                         ELSE 'without success' END, ', ', COALESCE(sums.attempts, 0), ' up to ', sums.last, ', ',
                    sums.prompt_tokens, '/', sums.completion_tokens, '/', sums.total_tokens, ', ', sums.cost, ', ',
                    sums.is_unpriced) AS expected,
             concat(calls.status, ', ', calls.prompt_tokens, '/', calls.completion_tokens, '/', calls.total_tokens, ', ',
                    calls.cost_usd, ', ', calls.is_unpriced) AS found
        FROM llm_calls calls
        LEFT JOIN (
               SELECT team_id, call_id, count(*) AS attempts, count(DISTINCT number) AS numbers, min(number) AS first,
                      max(number) AS last,
                      count(*) FILTER (WHERE status = 'in_flight') AS running,
                      max(number) FILTER (WHERE status = 'in_flight') AS running_number,
                      count(*) FILTER (WHERE status = 'succeeded') AS successful,
                      max(number) FILTER (WHERE status = 'succeeded') AS successful_number,
                      count(*) FILTER (WHERE status = 'canceled') AS canceled,
                      COALESCE(bool_or(is_estimated), false) AS is_estimated,
                      COALESCE(sum(prompt_tokens), 0) AS prompt_tokens,
                      COALESCE(sum(completion_tokens), 0) AS completion_tokens,
                      COALESCE(sum(total_tokens), 0) AS total_tokens,
                      COALESCE(sum(cost_usd), 0) AS cost,
                      bool_or(cost_usd IS NULL) AS is_unpriced
                 FROM llm_attempts GROUP BY team_id, call_id) sums USING (team_id, call_id)
       WHERE (sums.attempts, sums.attempts, 1) IS DISTINCT FROM (sums.numbers, sums.last::bigint, sums.first::integer)
          OR CASE WHEN calls.status = 'in_flight' THEN
                    -- The one that is running is the last one, and nothing counts before the call has ended.
                    (sums.running, sums.running_number, sums.successful) IS DISTINCT FROM (1, sums.last, 0)
                    OR (calls.prompt_tokens, calls.completion_tokens, calls.total_tokens, calls.cost_usd,
                        calls.is_unpriced) IS DISTINCT FROM (0, 0, 0, 0, false)
                  ELSE
                    (calls.prompt_tokens, calls.completion_tokens, calls.total_tokens, calls.cost_usd,
                     calls.is_unpriced) IS DISTINCT FROM
                    (sums.prompt_tokens, sums.completion_tokens, sums.total_tokens, sums.cost, sums.is_unpriced)
                    -- A stream that its client has left was read to its end, or stopped.
                    OR (sums.successful, COALESCE(sums.successful_number, sums.last)) IS DISTINCT FROM
                       (CASE calls.status WHEN 'succeeded' THEN 1 WHEN 'client_disconnected' THEN 1 - sums.canceled
                                          ELSE 0 END, sums.last)
                    OR sums.canceled > 0 AND calls.status NOT IN ('client_disconnected', 'partial')
                    OR calls.is_estimated IS DISTINCT FROM sums.is_estimated
             END
          OR (calls.status = 'in_flight') <> (calls.ended_at IS NULL)
          OR calls.status NOT IN ('in_flight', 'succeeded', 'failed', 'interrupted', 'partial', 'client_disconnected')`,
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
    name: 'attempts without a call',
    finding: 'the attempt names a call that does not exist',
    sql: `
      SELECT attempts.team_id, attempts.attempt_id::text AS id, 'a call' AS expected, 'none' AS found
        FROM llm_attempts attempts
       WHERE NOT EXISTS (SELECT FROM llm_calls calls
                          WHERE calls.call_id = attempts.call_id AND calls.team_id = attempts.team_id)`,
  },
  {
    name: 'attempt costs',
    finding: 'the attempt does not say where its cost comes from, or has one that cannot be',
    sql: `
      SELECT team_id, attempt_id::text AS id,
             CASE WHEN status = 'in_flight' THEN 'no cost yet' ELSE 'a cost with its source, or unpriced' END AS expected,
             concat_ws(', ', status, COALESCE(cost_source, 'no source'), COALESCE(cost_usd::text, 'no cost'),
                       ended_at) AS found
        FROM llm_attempts
       WHERE (status = 'in_flight') <> (ended_at IS NULL)
          OR CASE WHEN status = 'in_flight' THEN cost_source IS NOT NULL OR cost_usd IS NOT NULL
                  ELSE cost_source IS NULL OR (cost_source IN ('unpriced', 'refused')) <> (cost_usd IS NULL) END
          OR cost_usd < 0
          OR LEAST(prompt_tokens, completion_tokens, total_tokens) < 0
          OR LEAST(${BUCKETS.join(', ')}) < 0
          OR (${INPUT_BUCKETS.join(' + ')}) <> prompt_tokens
          OR (${OUTPUT_BUCKETS.join(' + ')}) <> completion_tokens`,
  },
  {
    name: 'frozen answers',
    finding: 'the answer frozen when the job ended does not show what it was charged and what it had used',
    // Only calls that ended after the job add to totals and charge; without one nothing may differ.
    sql: `
      SELECT team_id, job_id::text AS id,
             concat(jobs.status, ', charged ', jobs.credits_charged - COALESCE(late.credits, 0), ', short ',
                    jobs.credits_shortfall, ', ', concat_ws('/', jobs.total_calls, jobs.successful_calls,
                    jobs.failed_calls, jobs.unpriced_calls, jobs.total_tokens, jobs.total_cost_usd)) AS expected,
             COALESCE(concat('charged ', jobs.completion ->> 'creditsCharged', ', short ',
                    COALESCE(jobs.completion ->> 'creditsShortfall', '0'), ', ',
                    concat_ws('/', jobs.completion ->> 'totalCalls', jobs.completion ->> 'successfulCalls',
                    jobs.completion ->> 'failedCalls', jobs.completion ->> 'unpricedCalls',
                    jobs.completion ->> 'totalTokens', jobs.completion ->> 'totalCostUsd')), '') AS found
        FROM jobs
        LEFT JOIN (SELECT holds.team_id, holds.job_id, sum(transfers.credits) AS credits
                     FROM credit_transfers transfers JOIN credit_holds holds USING (hold_id, team_id)
                    WHERE transfers.call_id IS NOT NULL
                    GROUP BY holds.team_id, holds.job_id) late USING (team_id, job_id)
       WHERE (jobs.completed_at IS NULL) <> (jobs.completion IS NULL)
          OR (jobs.completed_at IS NULL) <> (${IS_OPEN})
          OR jobs.completion IS NOT NULL AND (
               ${frozen('creditsCharged')} = jobs.credits_charged - COALESCE(late.credits, 0)
               AND (jobs.completion -> 'creditApplied') = to_jsonb(jobs.credit_applied)
               AND COALESCE(${frozen('creditsShortfall')}, 0) BETWEEN 0 AND jobs.credits_shortfall
               AND ${frozen('totalCalls')} = jobs.total_calls
               AND ${frozen('successfulCalls')} <= jobs.successful_calls
               AND ${frozen('failedCalls')} <= jobs.failed_calls
               AND ${frozen('unpricedCalls')} <= jobs.unpriced_calls
               AND ${frozen('totalTokens')} <= jobs.total_tokens
               AND ${FROZEN_COST} <= jobs.total_cost_usd
               AND (${RUNNING_AT_END} > 0
                    OR (COALESCE(${frozen('creditsShortfall')}, 0), ${frozen('successfulCalls')}, ${frozen('failedCalls')},
                        ${frozen('unpricedCalls')}, ${frozen('totalTokens')}, ${FROZEN_COST}, ${frozen('avgLatencyMs')})
                       = (jobs.credits_shortfall, jobs.successful_calls, jobs.failed_calls, jobs.unpriced_calls,
                          jobs.total_tokens, jobs.total_cost_usd,
                          COALESCE(round(jobs.total_latency_ms::numeric / NULLIF(jobs.successful_calls, 0)), 0)))
             ) IS NOT TRUE`,
  },
  {
    name: 'frozen balances',
    finding: 'the answer frozen when the job ended shows a balance that the team never had',
    sql: `
      SELECT jobs.team_id, jobs.job_id::text AS id, 'what remained after a transfer' AS expected,
             COALESCE(jobs.completion ->> 'creditsRemaining', 'none') AS found
        FROM jobs
       WHERE jobs.completion IS NOT NULL
         AND NOT EXISTS (SELECT FROM credit_transfers transfers
                          WHERE transfers.team_id = jobs.team_id
                            AND transfers.remaining_after::numeric = ${frozen('creditsRemaining')})`,
  },
];
