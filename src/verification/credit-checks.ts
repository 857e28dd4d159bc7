import {
  CREDIT_ACCOUNTS,
  type CreditAccountName,
  HOLD_STATUSES,
  MAX_ISSUED_CREDITS,
  MOVES,
  TRANSFER_KINDS,
} from '../credits/credits.types.js';
import { quoted } from '../database/columns.js';
import type { LedgerCheck } from './ledger-check.js';

/** What a transfer changes the sum of some accounts by. */
const changeOf = (...accounts: CreditAccountName[]): string => {
  const names = accounts.map((account) => `'${account}'`).join(', ');
  return `(CASE WHEN credit_account IN (${names}) THEN credits ELSE 0 END - CASE WHEN debit_account IN (${names}) THEN credits ELSE 0 END)`;
};

/** Balances derived from the transfers alone: what was credited to an account less what was debited. */
const DERIVED_BALANCES = `
  SELECT team_id, ${CREDIT_ACCOUNTS.map((account) => `sum(${changeOf(account)}) AS ${account}`).join(', ')}
    FROM credit_transfers GROUP BY team_id`;

const derived = (account: CreditAccountName): string => `COALESCE(derived.${account}, 0)`;
const shown = (account: CreditAccountName): string => `accounts.${account}`;

/** The table of moves, as rows. */
const MOVES_TABLE = `(VALUES ${TRANSFER_KINDS.map((kind) => {
  const { debit, credit, subject } = MOVES[kind];
  return `('${kind}', '${debit}', '${credit}', '${subject}')`;
}).join(', ')}) moves (kind, debit, credit, subject)`;

/** What is derived from the transfers: they are the truth about credits. */
export const CREDIT_CHECKS: readonly LedgerCheck[] = [
  {
    name: 'account balances',
    finding: `the account does not show what its transfers add up to (${CREDIT_ACCOUNTS.join('/')})`,
    sql: `
      SELECT team_id, team_id AS id, concat_ws('/', ${CREDIT_ACCOUNTS.map(derived).join(', ')}) AS expected,
             COALESCE(NULLIF(concat_ws('/', ${CREDIT_ACCOUNTS.map(shown).join(', ')}), ''), 'no account') AS found
        FROM credit_accounts accounts FULL JOIN (${DERIVED_BALANCES}) derived USING (team_id)
       WHERE (${CREDIT_ACCOUNTS.map(shown).join(', ')}) IS DISTINCT FROM
             (${CREDIT_ACCOUNTS.map(derived).join(', ')})`,
  },
  {
    name: 'account limits',
    finding: 'a figure of the account is beyond its bounds',
    sql: `
      SELECT team_id, team_id AS id,
             concat('issued from ', -${String(MAX_ISSUED_CREDITS)}, ' to 0, available from ', -overdraft_limit,
                    ', overdrawn to ', overdraft_limit, ', nothing else negative') AS expected,
             concat('issued ', issued, ', available ', available, ', held ', held, ', consumed ', consumed,
                    ', expired ', expired, ', overdrawn ', overdrawn, ', short ', shortfall) AS found
        FROM credit_accounts
       WHERE issued NOT BETWEEN -${String(MAX_ISSUED_CREDITS)} AND 0
          OR available < -overdraft_limit
          OR overdrawn > overdraft_limit
          OR LEAST(held, consumed, expired, overdrawn, shortfall, overdraft_limit) < 0`,
  },
  {
    name: 'debts',
    finding: 'the account does not show what its holds have overdrawn and are short of (overdrawn/shortfall)',
    sql: `
      SELECT team_id, team_id AS id,
             concat_ws('/', COALESCE(owed.overdrawn, 0), COALESCE(owed.shortfall, 0)) AS expected,
             COALESCE(NULLIF(concat_ws('/', accounts.overdrawn, accounts.shortfall), ''), 'no account') AS found
        FROM credit_accounts accounts
        FULL JOIN (SELECT team_id, sum(overdrawn) AS overdrawn, sum(shortfall) AS shortfall
                     FROM credit_holds WHERE overdrawn <> 0 OR shortfall <> 0 GROUP BY team_id) owed USING (team_id)
       WHERE (accounts.overdrawn, accounts.shortfall) IS DISTINCT FROM
             (COALESCE(owed.overdrawn, 0), COALESCE(owed.shortfall, 0))`,
  },
  {
    name: 'what grants have left',
    finding: 'what the grants have left is not what is available and what is overdrawn',
    sql: `
      SELECT team_id, team_id AS id,
             COALESCE((accounts.available + accounts.overdrawn)::text, 'no account') AS expected,
             COALESCE(given.remaining, 0)::text AS found
        FROM credit_accounts accounts
        FULL JOIN (SELECT team_id, sum(remaining) AS remaining FROM credit_grants GROUP BY team_id) given
             USING (team_id)
       WHERE COALESCE(given.remaining, 0) IS DISTINCT FROM accounts.available + accounts.overdrawn`,
  },
  {
    name: 'transfer sequence',
    finding: "the team's transfers are not numbered from 1 without a gap",
    sql: `
      SELECT team_id, team_id AS id, concat('1 to ', accounts.last_sequence) AS expected,
             concat(COALESCE(numbered.transfers, 0), ' transfers with ', COALESCE(numbered.numbers, 0),
                    ' numbers from ', numbered.first, ' to ', numbered.last) AS found
        FROM credit_accounts accounts
        FULL JOIN (SELECT team_id, count(*) AS transfers, count(DISTINCT sequence) AS numbers,
                          min(sequence) AS first, max(sequence) AS last
                     FROM credit_transfers GROUP BY team_id) numbered USING (team_id)
       WHERE CASE WHEN numbered.transfers IS NULL THEN accounts.last_sequence <> 0
                  ELSE (numbered.transfers, numbered.numbers, numbered.last, numbered.first) IS DISTINCT FROM
                       (accounts.last_sequence, accounts.last_sequence, accounts.last_sequence, 1) END`,
  },
  {
    name: 'transfer times',
    finding: 'the time runs backwards from one transfer to the next, or from the last one to the account',
    sql: `
      SELECT team_id, transfer_id::text AS id, concat('not before ', earlier) AS expected, created_at::text AS found
        FROM (SELECT team_id, transfer_id, created_at,
                     lag(created_at) OVER (PARTITION BY team_id ORDER BY sequence, created_at) AS earlier
                FROM credit_transfers) timed
       WHERE created_at < earlier
      UNION ALL
      SELECT team_id, team_id AS id, concat('not before ', ended.latest) AS expected, accounts.updated_at::text AS found
        FROM credit_accounts accounts
        JOIN (SELECT team_id, max(created_at) AS latest FROM credit_transfers GROUP BY team_id) ended USING (team_id)
       WHERE accounts.updated_at < ended.latest`,
  },
  {
    name: 'transfer moves',
    finding:
      'the transfer is none of the moves that there are, or is about something else than its kind says',
    sql: `
      SELECT team_id, transfer_id::text AS id,
             COALESCE(concat('more than 0 from ', moves.debit, ' to ', moves.credit, ' for a ', moves.subject),
                      'another kind') AS expected,
             concat_ws(' ', kind, credits, 'from', debit_account, 'to', credit_account,
                       'grant ' || grant_id, 'hold ' || hold_id, 'call ' || call_id, 'refund ' || refund_id) AS found
        FROM credit_transfers transfers LEFT JOIN ${MOVES_TABLE} USING (kind)
       WHERE (debit_account, credit_account) IS DISTINCT FROM (moves.debit, moves.credit)
          OR credits <= 0
          OR (moves.subject = 'grant') IS DISTINCT FROM (grant_id IS NOT NULL)
          OR (moves.subject = 'hold') IS DISTINCT FROM (hold_id IS NOT NULL)
          OR (kind = 'refund') <> (refund_id IS NOT NULL)
          OR kind <> 'overage' AND call_id IS NOT NULL`,
  },
  {
    name: 'remaining credits',
    finding: 'the transfer does not show what remained after it',
    sql: `
      SELECT team_id, transfer_id::text AS id, remaining::text AS expected, remaining_after::text AS found
        FROM (SELECT team_id, transfer_id, remaining_after,
                     sum(${changeOf('available', 'held')}) OVER (PARTITION BY team_id ORDER BY sequence) AS remaining
                FROM credit_transfers) sums
       WHERE remaining_after <> remaining`,
  },
  {
    name: 'grants',
    finding: 'what remains of the grant is not what it gave less what holds have of it and what has expired',
    sql: `
      SELECT team_id, grant_id::text AS id,
             concat(grants.credits - COALESCE(drawn.credits, 0) - COALESCE(lapsed.credits, 0), ' and ',
                    COALESCE(lapsed.credits, 0), ' expired') AS expected,
             concat(grants.remaining, ' and ', grants.expired, ' expired') AS found
        FROM credit_grants grants
        LEFT JOIN (SELECT drawn.team_id, drawn.grant_id, sum(drawn.credits) AS credits
                     FROM credit_hold_grants drawn JOIN credit_holds holds USING (hold_id, team_id)
                    WHERE holds.status <> 'released'
                    GROUP BY drawn.team_id, drawn.grant_id) drawn USING (team_id, grant_id)
        LEFT JOIN (SELECT team_id, grant_id, sum(credits) AS credits
                     FROM credit_transfers WHERE kind = 'expiry' GROUP BY team_id, grant_id) lapsed
             USING (team_id, grant_id)
       WHERE (grants.remaining, grants.expired) IS DISTINCT FROM
             (grants.credits - COALESCE(drawn.credits, 0) - COALESCE(lapsed.credits, 0), COALESCE(lapsed.credits, 0))
          OR grants.remaining < 0
          -- What comes back to a grant that has run out runs out at once.
          OR grants.expired > 0 AND grants.remaining > 0`,
  },
  {
    name: 'allocations',
    finding: 'the grant was not booked by exactly one allocation of its size',
    sql: `
      SELECT team_id, grant_id::text AS id, COALESCE(grants.credits::text, 'no grant') AS expected,
             COALESCE(concat_ws(' in ', booked.credits, NULLIF(booked.transfers, 1)), 'no transfer') AS found
        FROM credit_grants grants
        FULL JOIN (SELECT team_id, grant_id, count(*) AS transfers, sum(credits) AS credits
                     FROM credit_transfers WHERE kind = 'allocation' GROUP BY team_id, grant_id) booked
             USING (team_id, grant_id)
       WHERE (booked.transfers, booked.credits) IS DISTINCT FROM (1, grants.credits)`,
  },
  {
    name: 'expiries',
    finding: 'credits were booked as expired before their grant had run out',
    sql: `
      SELECT transfers.team_id, transfers.transfer_id::text AS id,
             COALESCE(concat('not before ', grants.expires_at), 'never') AS expected,
             concat(transfers.credits, ' of grant ', transfers.grant_id, ' at ', transfers.created_at) AS found
        FROM credit_transfers transfers LEFT JOIN credit_grants grants USING (grant_id, team_id)
       WHERE transfers.kind = 'expiry' AND (grants.expires_at <= transfers.created_at) IS NOT TRUE`,
  },
  {
    name: 'draws',
    finding: 'the hold has credits of a grant that was not for it, or was not there when it drew',
    // A hold draws when it begins, when more is charged than it had, and when what was short is collected. What
    // it has overdrawn is covered later by whatever comes, which no transfer tells; whether it can have been
    // overdrawn is told by what was available then: less than the grants that may not have been open to it.
    sql: `
      WITH moments AS (
        SELECT team_id, hold_id, kind, sequence, created_at, available
          FROM (SELECT team_id, hold_id, kind, sequence, created_at,
                       sum(${changeOf('available')}) OVER (PARTITION BY team_id ORDER BY sequence) AS available
                  FROM credit_transfers) running
         WHERE kind IN ('hold', 'overage', 'collection')
      ), restricted AS (
        SELECT team_id, sum(credits) AS credits FROM credit_grants
         WHERE job_types IS NOT NULL OR starts_at IS NOT NULL GROUP BY team_id
      ), allocated AS (
        SELECT team_id, grant_id, min(sequence) AS sequence
          FROM credit_transfers WHERE kind = 'allocation' GROUP BY team_id, grant_id
      ), possible AS (
        SELECT team_id, hold_id, grant_id,
               bool_or(moments.sequence > allocated.sequence
                       AND COALESCE(grants.starts_at <= moments.created_at, true)
                       AND COALESCE(grants.expires_at > moments.created_at, true)) AS had_moment,
               bool_or(moments.kind <> 'collection'
                       AND moments.available < COALESCE(restricted.credits, 0)) AS may_be_overdrawn,
               min(moments.created_at) AS began_at
          FROM credit_hold_grants drawn
          JOIN credit_grants grants USING (grant_id, team_id)
          JOIN moments USING (hold_id, team_id)
          LEFT JOIN allocated USING (grant_id, team_id)
          LEFT JOIN restricted USING (team_id)
         GROUP BY team_id, hold_id, grant_id
      )
      SELECT team_id, hold_id::text AS id,
             COALESCE(concat_ws(', ', 'a draw', 'from ' || grants.starts_at, 'before ' || grants.expires_at,
                                'for ' || array_to_string(grants.job_types, ' or ')), '') AS expected,
             concat_ws(', ', concat(drawn.credits, ' of grant ', grant_id), 'for ' || holds.job_type,
                       'from ' || possible.began_at) AS found
        FROM credit_hold_grants drawn
        LEFT JOIN credit_holds holds USING (hold_id, team_id)
        LEFT JOIN credit_grants grants USING (grant_id, team_id)
        LEFT JOIN credit_accounts accounts USING (team_id)
        LEFT JOIN possible USING (team_id, hold_id, grant_id)
       WHERE drawn.credits < 0
          OR holds.status IS NULL
          OR grants.credits IS NULL
          OR grants.job_types IS NOT NULL AND holds.job_type <> ALL (grants.job_types)
          OR (possible.had_moment
              OR possible.may_be_overdrawn
                 AND COALESCE(grants.expires_at > possible.began_at, true)
                 AND COALESCE(grants.starts_at <= accounts.updated_at, true)) IS NOT TRUE`,
  },
  {
    name: 'holds',
    finding: 'the hold, what it has from grants and its transfers do not tell the same',
    sql: `
      WITH drawn AS (
        SELECT team_id, hold_id, sum(credits) AS credits FROM credit_hold_grants GROUP BY team_id, hold_id
      ), booked AS (
        SELECT team_id, hold_id,
               count(*) FILTER (WHERE kind = 'hold') AS begins,
               count(*) FILTER (WHERE kind = 'capture') AS captures,
               count(*) FILTER (WHERE kind = 'release') AS releases,
               count(*) FILTER (WHERE kind = 'remainder') AS remainders,
               count(*) FILTER (WHERE kind = 'overage' AND call_id IS NULL) AS overages,
               COALESCE(sum(credits) FILTER (WHERE kind = 'hold'), 0) AS begun,
               COALESCE(sum(credits) FILTER (WHERE kind = 'capture'), 0) AS first,
               COALESCE(sum(credits) FILTER (WHERE debit_account = 'held'), 0) AS ended,
               COALESCE(sum(credits) FILTER (WHERE credit_account = 'consumed'), 0) AS taken,
               COALESCE(sum(credits) FILTER (WHERE debit_account = 'consumed'), 0) AS repaid,
               min(sequence) FILTER (WHERE kind = 'hold') < min(sequence) FILTER (WHERE kind <> 'hold')
                 AS begins_first,
               min(sequence) FILTER (WHERE kind = 'capture')
                 < min(sequence) FILTER (WHERE kind NOT IN ('hold', 'capture')) AS captures_first
          FROM credit_transfers WHERE hold_id IS NOT NULL GROUP BY team_id, hold_id
      )
      SELECT team_id, hold_id::text AS id,
             COALESCE(concat_ws(', ', concat(holds.credits, ' ', holds.status), 'captured ' || holds.captured,
                                'refunded ' || holds.refunded, 'short ' || holds.shortfall,
                                'overdrawn ' || holds.overdrawn), 'no hold') AS expected,
             concat_ws(', ', 'drawn ' || COALESCE(drawn.credits, 0), 'begun ' || booked.begun,
                       'ended ' || booked.ended, 'captured ' || booked.taken, 'refunded ' || booked.repaid,
                       CASE WHEN NOT booked.begins_first OR NOT booked.captures_first THEN 'out of order' END) AS found
        FROM credit_holds holds
        FULL JOIN booked USING (team_id, hold_id)
        LEFT JOIN drawn USING (team_id, hold_id)
       WHERE (holds.status IN (${quoted(HOLD_STATUSES)})) IS NOT TRUE
          OR (booked.begins, booked.begun, booked.captures, booked.releases, booked.ended, booked.taken, booked.repaid)
             IS DISTINCT FROM
             (1, holds.credits, CASE WHEN holds.status = 'captured' THEN 1 ELSE 0 END,
              CASE WHEN holds.status = 'released' THEN 1 ELSE 0 END,
              CASE WHEN holds.status = 'held' THEN 0 ELSE holds.credits END, holds.captured, holds.refunded)
          OR booked.remainders > booked.captures
          OR booked.overages > booked.captures
          -- More than the hold is charged only once all of the hold is.
          OR booked.overages > 0 AND booked.first <> holds.credits
          OR NOT booked.begins_first
          OR NOT booked.captures_first
          OR (holds.status = 'held') <> (holds.ended_at IS NULL)
          OR (holds.status = 'captured') <> (holds.captured > 0)
          OR holds.refunded NOT BETWEEN 0 AND holds.captured
          OR LEAST(holds.shortfall, holds.overdrawn) < 0
          OR holds.shortfall <> 0 AND holds.status <> 'captured'
          OR CASE holds.status
               WHEN 'held' THEN COALESCE(drawn.credits, 0) + holds.overdrawn <> holds.credits
               WHEN 'captured' THEN COALESCE(drawn.credits, 0) + holds.overdrawn <> holds.captured - holds.refunded
               -- What it had; what it had overdrawn is not kept.
               WHEN 'released' THEN COALESCE(drawn.credits, 0) > holds.credits OR holds.overdrawn <> 0
             END`,
  },
  {
    name: 'refunds',
    finding:
      'the refund was not booked by exactly one transfer of its size, or gave back more than was charged',
    sql: `
      SELECT team_id, COALESCE(refund_id::text, booked.hold_id) AS id,
             COALESCE(concat(refunds.credits, ' of hold ', refunds.hold_id), 'no refund') AS expected,
             COALESCE(concat(booked.credits, ' of hold ', booked.hold_id,
                             CASE WHEN booked.transfers > 1 THEN concat(' in ', booked.transfers, ' transfers') END),
                      'no transfer') AS found
        FROM credit_refunds refunds
        FULL JOIN (SELECT team_id, refund_id, count(*) AS transfers, sum(credits) AS credits,
                          min(hold_id::text) AS hold_id
                     FROM credit_transfers WHERE kind = 'refund' OR refund_id IS NOT NULL
                    GROUP BY team_id, refund_id) booked USING (team_id, refund_id)
       WHERE (booked.transfers, booked.credits, booked.hold_id) IS DISTINCT FROM
             (1, refunds.credits, refunds.hold_id::text)
      UNION ALL
      SELECT team_id, hold_id::text AS id, 'at most what was charged until then' AS expected,
             concat(-charged, ' more') AS found
        FROM (SELECT team_id, hold_id,
                     sum(${changeOf('consumed')}) OVER (PARTITION BY team_id, hold_id ORDER BY sequence) AS charged
                FROM credit_transfers
               WHERE (team_id, hold_id) IN (SELECT team_id, hold_id FROM credit_transfers WHERE kind = 'refund')
                 AND 'consumed' IN (debit_account, credit_account)) running
       WHERE charged < 0`,
  },
];
