import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

const NAMED_CHECKS = {
  balanced: `issued + available + held + consumed + expired = 0`,
  available: `available >= -overdraft_limit`,
  transferKind:
    `(kind, debit_account, credit_account) IN (('allocation', 'issued', 'available'), ` +
    `('hold', 'available', 'held'), ('capture', 'held', 'consumed'), ('release', 'held', 'available'), ` +
    `('remainder', 'held', 'available'), ('overage', 'available', 'consumed'), ` +
    `('collection', 'available', 'consumed'), ('refund', 'consumed', 'available'), ` +
    `('expiry', 'available', 'expired'))`,
  transferSubject:
    `(kind IN ('allocation', 'expiry')) = (grant_id IS NOT NULL) AND ` +
    `(kind NOT IN ('allocation', 'expiry')) = (hold_id IS NOT NULL) AND ` +
    `(kind = 'refund') = (refund_id IS NOT NULL) AND (call_id IS NULL OR kind = 'overage')`,
} as const;

/**
 * Grants with a price and an end, captures of another size than their hold, refunds, overdrafts, what
 * credits buy of each team, and jobs that run out.
 */
export class CreditSystem1764000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await accounts(runner);
    await grants(runner);
    await holds(runner);
    await transfers(runner);
    await budgets(runner);
    await jobs(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await refuseWhatTheOlderVersionCannotHold(runner);
    await runner.query(`DROP INDEX jobs_free_endings_idx`);
    await runner.query(`DROP INDEX jobs_expires_at_idx`);
    await runner.query(`
      ALTER TABLE jobs
        DROP COLUMN budget_mode, DROP COLUMN credits_per_dollar, DROP COLUMN tokens_per_credit,
        DROP COLUMN credits_shortfall, DROP COLUMN charge_rule, DROP COLUMN time_to_live_ms, DROP COLUMN expires_at
    `);
    await runner.query(`DROP TABLE job_type_terms`);
    await runner.query(`DROP TABLE team_budgets`);

    for (const index of ['refund', 'call', 'hold_overage', 'hold_remainder']) {
      await runner.query(`DROP INDEX credit_transfers_${index}_key`);
    }
    await runner.query(`DROP INDEX credit_transfers_created_at_idx`);
    await runner.query(`DROP INDEX credit_transfers_grant_key`);
    await runner.query(`DROP INDEX credit_transfers_remaining_idx`);
    await runner.query(`
      ALTER TABLE credit_transfers
        DROP CONSTRAINT credit_transfers_kind_check, DROP CONSTRAINT credit_transfers_subject_check,
        DROP COLUMN call_id, DROP COLUMN refund_id
    `);
    await runner.query(`
      ALTER TABLE credit_transfers
        ADD CONSTRAINT credit_transfers_kind_check CHECK ((kind, debit_account, credit_account) IN (('allocation', 'issued', 'available'), ('hold', 'available', 'held'), ('capture', 'held', 'consumed'), ('release', 'held', 'available'))),
        ADD CONSTRAINT credit_transfers_subject_check CHECK ((kind = 'allocation') = (grant_id IS NOT NULL) AND (kind <> 'allocation') = (hold_id IS NOT NULL)),
        ADD CONSTRAINT credit_transfers_remaining_after_check CHECK (remaining_after >= 0)
    `);
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_grant_key ON credit_transfers (team_id, grant_id) WHERE grant_id IS NOT NULL`,
    );
    await runner.query(
      `CREATE INDEX credit_transfers_remaining_idx ON credit_transfers (team_id, sequence) WHERE kind IN ('allocation', 'capture')`,
    );
    await runner.query(`DROP TABLE credit_refunds`);

    await runner.query(`DROP INDEX credit_holds_unpaid_idx`);
    await runner.query(`
      ALTER TABLE credit_holds
        DROP COLUMN job_type, DROP COLUMN captured, DROP COLUMN refunded, DROP COLUMN shortfall, DROP COLUMN overdrawn
    `);
    await runner.query(`
      ALTER TABLE credit_hold_grants
        DROP CONSTRAINT credit_hold_grants_credits_check,
        ADD CONSTRAINT credit_hold_grants_credits_check CHECK (credits > 0)
    `);
    await runner.query(`DROP INDEX credit_grants_expiry_idx`);
    await runner.query(`DROP INDEX credit_grants_reference_key`);
    await runner.query(`
      ALTER TABLE credit_grants
        DROP COLUMN expired, DROP COLUMN kind, DROP COLUMN unit_price_usd, DROP COLUMN priority,
        DROP COLUMN starts_at, DROP COLUMN expires_at, DROP COLUMN job_types, DROP COLUMN external_reference,
        DROP COLUMN payment_type, DROP COLUMN payment_amount_usd
    `);
    await runner.query(`
      ALTER TABLE credit_accounts
        DROP CONSTRAINT credit_accounts_balanced_check, DROP CONSTRAINT credit_accounts_available_check,
        DROP COLUMN expired, DROP COLUMN overdraft_limit, DROP COLUMN overdrawn, DROP COLUMN shortfall
    `);
    await runner.query(`
      ALTER TABLE credit_accounts
        ADD CONSTRAINT credit_accounts_balanced_check CHECK (issued + available + held + consumed = 0),
        ADD CONSTRAINT credit_accounts_available_check CHECK (available >= 0)
    `);
  }
}

async function accounts(runner: QueryRunner): Promise<void> {
  for (const column of ['expired', 'overdraft_limit', 'overdrawn', 'shortfall']) {
    await addColumn(runner, 'credit_accounts', column, 'bigint', '0');
  }
  await runner.query(`
    ALTER TABLE credit_accounts
      DROP CONSTRAINT credit_accounts_balanced_check, DROP CONSTRAINT credit_accounts_available_check,
      ADD CONSTRAINT credit_accounts_balanced_check CHECK (${NAMED_CHECKS.balanced}),
      ADD CONSTRAINT credit_accounts_available_check CHECK (${NAMED_CHECKS.available}),
      ADD CONSTRAINT credit_accounts_expired_check CHECK (expired >= 0),
      ADD CONSTRAINT credit_accounts_overdrawn_check CHECK (overdrawn >= 0 AND overdrawn <= overdraft_limit),
      ADD CONSTRAINT credit_accounts_shortfall_check CHECK (shortfall >= 0)
  `);
}

async function grants(runner: QueryRunner): Promise<void> {
  await addColumn(runner, 'credit_grants', 'expired', 'bigint', '0');
  await addColumn(runner, 'credit_grants', 'kind', 'varchar(16)', `'allocation'`);
  await addColumn(runner, 'credit_grants', 'priority', 'integer', '0');
  await runner.query(`
    ALTER TABLE credit_grants
      ADD COLUMN unit_price_usd numeric(24,12),
      ADD COLUMN starts_at timestamptz(3),
      ADD COLUMN expires_at timestamptz(3),
      ADD COLUMN job_types varchar(128)[],
      ADD COLUMN external_reference varchar(255),
      ADD COLUMN payment_type varchar(16),
      ADD COLUMN payment_amount_usd numeric(24,12),
      ADD CONSTRAINT credit_grants_expired_check CHECK (expired >= 0 AND remaining + expired <= credits),
      ADD CONSTRAINT credit_grants_kind_check CHECK (kind IN ('allocation', 'purchase', 'promotion', 'refill')),
      ADD CONSTRAINT credit_grants_period_check CHECK (starts_at < expires_at),
      ADD CONSTRAINT credit_grants_price_check CHECK (unit_price_usd >= 0),
      ADD CONSTRAINT credit_grants_payment_check CHECK (payment_amount_usd >= 0 AND (payment_type IS NULL OR payment_type IN ('subscription', 'one_time') AND kind = 'purchase'))
  `);
  await runner.query(
    `CREATE UNIQUE INDEX credit_grants_reference_key ON credit_grants (team_id, external_reference) WHERE external_reference IS NOT NULL`,
  );
  await runner.query(
    `CREATE INDEX credit_grants_expiry_idx ON credit_grants (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL`,
  );
}

async function holds(runner: QueryRunner): Promise<void> {
  for (const column of ['captured', 'refunded', 'shortfall', 'overdrawn']) {
    await addColumn(runner, 'credit_holds', column, 'bigint', '0');
  }
  await addColumn(runner, 'credit_holds', 'job_type', 'varchar(128)', `''`);
  await runner.query(`UPDATE credit_holds SET captured = credits WHERE status = 'captured'`);
  await runner.query(`
    UPDATE credit_holds SET job_type = jobs.job_type FROM jobs
     WHERE jobs.job_id = credit_holds.job_id AND jobs.team_id = credit_holds.team_id
  `);
  await runner.query(`
    ALTER TABLE credit_holds
      ADD CONSTRAINT credit_holds_captured_check CHECK ((status = 'captured') = (captured > 0)),
      ADD CONSTRAINT credit_holds_refunded_check CHECK (refunded >= 0 AND refunded <= captured),
      ADD CONSTRAINT credit_holds_unpaid_check CHECK (shortfall >= 0 AND overdrawn >= 0 AND (status = 'captured' OR shortfall = 0) AND (status <> 'released' OR overdrawn = 0))
  `);
  await runner.query(
    `CREATE INDEX credit_holds_unpaid_idx ON credit_holds (team_id, hold_id) WHERE shortfall > 0 OR overdrawn > 0`,
  );
  // What a hold has drawn can be given back in part, down to nothing.
  await runner.query(`
    ALTER TABLE credit_hold_grants
      DROP CONSTRAINT credit_hold_grants_credits_check,
      ADD CONSTRAINT credit_hold_grants_credits_check CHECK (credits >= 0)
  `);
}

async function transfers(runner: QueryRunner): Promise<void> {
  await runner.query(`
    CREATE TABLE credit_refunds (
      refund_id uuid NOT NULL,
      team_id varchar(128) NOT NULL,
      hold_id uuid NOT NULL,
      credits bigint NOT NULL,
      reason varchar(512),
      created_at timestamptz(3) NOT NULL,
      CONSTRAINT credit_refunds_pkey PRIMARY KEY (refund_id, team_id),
      CONSTRAINT credit_refunds_credits_check CHECK (credits > 0),
      CONSTRAINT credit_refunds_hold_fkey FOREIGN KEY (hold_id, team_id) REFERENCES credit_holds (hold_id, team_id)
    )
  `);
  await runner.query(`CREATE INDEX credit_refunds_hold_idx ON credit_refunds (team_id, hold_id)`);
  // An overdraft takes what remains below zero.
  await runner.query(`
    ALTER TABLE credit_transfers
      ADD COLUMN call_id uuid,
      ADD COLUMN refund_id uuid,
      DROP CONSTRAINT credit_transfers_remaining_after_check,
      DROP CONSTRAINT credit_transfers_kind_check,
      DROP CONSTRAINT credit_transfers_subject_check,
      ADD CONSTRAINT credit_transfers_kind_check CHECK (${NAMED_CHECKS.transferKind}),
      ADD CONSTRAINT credit_transfers_subject_check CHECK (${NAMED_CHECKS.transferSubject}),
      ADD CONSTRAINT credit_transfers_refund_fkey FOREIGN KEY (refund_id, team_id) REFERENCES credit_refunds (refund_id, team_id)
  `);
  await runner.query(`DROP INDEX credit_transfers_grant_key`);
  await runner.query(`DROP INDEX credit_transfers_remaining_idx`);
  const unique = [
    ['grant', '(team_id, grant_id)', `kind = 'allocation'`],
    ['hold_remainder', '(team_id, hold_id)', `kind = 'remainder'`],
    ['hold_overage', '(team_id, hold_id)', `kind = 'overage' AND call_id IS NULL`],
    ['call', '(team_id, call_id)', `call_id IS NOT NULL`],
    ['refund', '(team_id, refund_id)', `refund_id IS NOT NULL`],
  ] as const;
  for (const [name, columns, condition] of unique) {
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_${name}_key ON credit_transfers ${columns} WHERE ${condition}`,
    );
  }
  await runner.query(
    `CREATE INDEX credit_transfers_remaining_idx ON credit_transfers (team_id, sequence) WHERE kind NOT IN ('hold', 'release', 'remainder')`,
  );
  await runner.query(
    `CREATE INDEX credit_transfers_created_at_idx ON credit_transfers (team_id, created_at)`,
  );
}

async function budgets(runner: QueryRunner): Promise<void> {
  await runner.query(`
    CREATE TABLE team_budgets (
      team_id varchar(128) NOT NULL,
      budget_mode varchar(24) NOT NULL,
      credits_per_dollar numeric(18,6) NOT NULL,
      tokens_per_credit bigint NOT NULL,
      fair_outcome varchar(24) NOT NULL,
      free_endings integer NOT NULL,
      free_endings_window_days integer NOT NULL,
      updated_at timestamptz(3) NOT NULL,
      CONSTRAINT team_budgets_pkey PRIMARY KEY (team_id),
      CONSTRAINT team_budgets_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id),
      CONSTRAINT team_budgets_mode_check CHECK (budget_mode IN ('job_based', 'consumption_usd', 'consumption_tokens')),
      CONSTRAINT team_budgets_rates_check CHECK (credits_per_dollar > 0 AND tokens_per_credit > 0),
      CONSTRAINT team_budgets_outcome_check CHECK (fair_outcome IN ('trusted', 'server_observed', 'allowance')),
      CONSTRAINT team_budgets_endings_check CHECK (free_endings >= 0 AND free_endings_window_days > 0)
    )
  `);
  await runner.query(`
    INSERT INTO team_budgets
    SELECT team_id, 'job_based', 10, 10000, 'trusted', 0, 30, created_at FROM teams
  `);
  await runner.query(`
    CREATE TABLE job_type_terms (
      team_id varchar(128) NOT NULL,
      job_type varchar(128) NOT NULL,
      credits_per_job bigint,
      hold_credits bigint,
      fair_outcome varchar(24),
      free_endings integer,
      free_endings_window_days integer,
      time_to_live_ms bigint,
      updated_at timestamptz(3) NOT NULL,
      CONSTRAINT job_type_terms_pkey PRIMARY KEY (team_id, job_type),
      CONSTRAINT job_type_terms_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id),
      CONSTRAINT job_type_terms_credits_check CHECK (credits_per_job > 0 AND hold_credits > 0),
      CONSTRAINT job_type_terms_outcome_check CHECK (fair_outcome IN ('trusted', 'server_observed', 'allowance')),
      CONSTRAINT job_type_terms_endings_check CHECK (free_endings >= 0 AND free_endings_window_days > 0),
      CONSTRAINT job_type_terms_time_to_live_check CHECK (time_to_live_ms > 0)
    )
  `);
}

async function jobs(runner: QueryRunner): Promise<void> {
  await addColumn(runner, 'jobs', 'budget_mode', 'varchar(24)', `'job_based'`);
  await addColumn(runner, 'jobs', 'credits_per_dollar', 'numeric(18,6)', '10');
  await addColumn(runner, 'jobs', 'tokens_per_credit', 'bigint', '10000');
  await addColumn(runner, 'jobs', 'credits_shortfall', 'bigint', '0');
  await addColumn(runner, 'jobs', 'time_to_live_ms', 'bigint', '86400000');
  await runner.query(`ALTER TABLE jobs ADD COLUMN charge_rule varchar(24)`);
  await runner.query(`
    ALTER TABLE jobs ADD CONSTRAINT jobs_charge_rule_check
      CHECK (charge_rule IN ('completed', 'all_calls_failed', 'trusted', 'server_observed', 'allowance'))
  `);
  await runner.query(`ALTER TABLE jobs ADD COLUMN expires_at timestamptz(3)`);
  await runner.query(`UPDATE jobs SET expires_at = updated_at + interval '24 hours'`);
  await runner.query(`ALTER TABLE jobs ALTER COLUMN expires_at SET NOT NULL`);
  await runner.query(`CREATE INDEX jobs_expires_at_idx ON jobs (expires_at) WHERE completed_at IS NULL`);
  await runner.query(
    `CREATE INDEX jobs_free_endings_idx ON jobs (team_id, job_type, completed_at) WHERE charge_rule = 'allowance' AND NOT credit_applied AND (successful_calls > 0 OR running_calls > 0)`,
  );
}

/** Losing a ledger line is worse than a refused downgrade. */
async function refuseWhatTheOlderVersionCannotHold(runner: QueryRunner): Promise<void> {
  await runner.query(`
    DO $$
    BEGIN
      IF EXISTS (SELECT FROM credit_transfers WHERE kind NOT IN ('allocation', 'hold', 'capture', 'release'))
         OR EXISTS (SELECT FROM credit_holds WHERE number > 1 OR overdrawn > 0 OR shortfall > 0 OR refunded > 0)
         OR EXISTS (SELECT FROM jobs WHERE status = 'expired' OR budget_mode <> 'job_based') THEN
        RAISE EXCEPTION 'The ledger has lines that the older version does not know; restore a backup instead.';
      END IF;
    END
    $$
  `);
}
