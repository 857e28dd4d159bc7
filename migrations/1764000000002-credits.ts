import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Credit accounts, grants, holds and the ledger of transfers. */
export class Credits1764000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE credit_accounts (
        team_id varchar(128) NOT NULL,
        issued bigint NOT NULL,
        available bigint NOT NULL,
        held bigint NOT NULL,
        consumed bigint NOT NULL,
        last_sequence bigint NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT credit_accounts_pkey PRIMARY KEY (team_id),
        CONSTRAINT credit_accounts_issued_check CHECK (issued <= 0 AND issued >= -9007199254740991),
        CONSTRAINT credit_accounts_consumed_check CHECK (consumed >= 0),
        CONSTRAINT credit_accounts_held_check CHECK (held >= 0),
        CONSTRAINT credit_accounts_available_check CHECK (available >= 0),
        CONSTRAINT credit_accounts_balanced_check CHECK (issued + available + held + consumed = 0),
        CONSTRAINT credit_accounts_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id)
      )
    `);
    await runner.query(`
      CREATE TABLE credit_grants (
        grant_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        credits bigint NOT NULL,
        remaining bigint NOT NULL,
        reason varchar(512),
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT credit_grants_pkey PRIMARY KEY (grant_id, team_id),
        CONSTRAINT credit_grants_remaining_check CHECK (remaining >= 0 AND remaining <= credits),
        CONSTRAINT credit_grants_credits_check CHECK (credits > 0),
        CONSTRAINT credit_grants_team_id_fkey FOREIGN KEY (team_id) REFERENCES credit_accounts (team_id)
      )
    `);
    await runner.query(
      `CREATE INDEX credit_grants_open_idx ON credit_grants (team_id, grant_id) WHERE remaining > 0`,
    );
    await runner.query(`
      CREATE TABLE credit_holds (
        hold_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        job_id uuid NOT NULL,
        number smallint NOT NULL,
        credits bigint NOT NULL,
        status varchar(16) NOT NULL,
        created_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        CONSTRAINT credit_holds_pkey PRIMARY KEY (hold_id, team_id),
        CONSTRAINT credit_holds_ended_check CHECK ((status = 'held') = (ended_at IS NULL)),
        CONSTRAINT credit_holds_status_check CHECK (status IN ('held', 'captured', 'released')),
        CONSTRAINT credit_holds_credits_check CHECK (credits > 0),
        CONSTRAINT credit_holds_team_id_fkey FOREIGN KEY (team_id) REFERENCES credit_accounts (team_id)
      )
    `);
    await runner.query(`CREATE UNIQUE INDEX credit_holds_job_key ON credit_holds (team_id, job_id, number)`);
    await runner.query(`
      CREATE TABLE credit_hold_grants (
        hold_id uuid NOT NULL,
        grant_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        credits bigint NOT NULL,
        CONSTRAINT credit_hold_grants_pkey PRIMARY KEY (hold_id, grant_id, team_id),
        CONSTRAINT credit_hold_grants_credits_check CHECK (credits > 0),
        CONSTRAINT credit_hold_grants_grant_fkey FOREIGN KEY (grant_id, team_id) REFERENCES credit_grants (grant_id, team_id),
        CONSTRAINT credit_hold_grants_hold_fkey FOREIGN KEY (hold_id, team_id) REFERENCES credit_holds (hold_id, team_id)
      )
    `);
    await runner.query(`
      CREATE TABLE credit_transfers (
        transfer_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        sequence bigint NOT NULL,
        kind varchar(16) NOT NULL,
        debit_account varchar(16) NOT NULL,
        credit_account varchar(16) NOT NULL,
        credits bigint NOT NULL,
        grant_id uuid,
        hold_id uuid,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT credit_transfers_pkey PRIMARY KEY (transfer_id, team_id),
        CONSTRAINT credit_transfers_subject_check CHECK ((kind = 'allocation') = (grant_id IS NOT NULL) AND (kind <> 'allocation') = (hold_id IS NOT NULL)),
        CONSTRAINT credit_transfers_kind_check CHECK ((kind, debit_account, credit_account) IN (('allocation', 'issued', 'available'), ('hold', 'available', 'held'), ('capture', 'held', 'consumed'), ('release', 'held', 'available'))),
        CONSTRAINT credit_transfers_credits_check CHECK (credits > 0),
        CONSTRAINT credit_transfers_team_id_fkey FOREIGN KEY (team_id) REFERENCES credit_accounts (team_id),
        CONSTRAINT credit_transfers_hold_fkey FOREIGN KEY (hold_id, team_id) REFERENCES credit_holds (hold_id, team_id),
        CONSTRAINT credit_transfers_grant_fkey FOREIGN KEY (grant_id, team_id) REFERENCES credit_grants (grant_id, team_id)
      )
    `);
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_grant_key ON credit_transfers (team_id, grant_id) WHERE grant_id IS NOT NULL`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_hold_begin_key ON credit_transfers (team_id, hold_id) WHERE kind = 'hold'`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_hold_end_key ON credit_transfers (team_id, hold_id) WHERE kind IN ('capture', 'release')`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX credit_transfers_sequence_key ON credit_transfers (team_id, sequence)`,
    );
    // The ledger is what everything else is checked against: a line in it is final.
    await runner.query(`
      CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'credit_transfers is append-only: % is not allowed', TG_OP
          USING ERRCODE = 'integrity_constraint_violation';
      END
      $$
    `);
    await runner.query(`
      CREATE TRIGGER credit_transfers_append_only
        BEFORE UPDATE OR DELETE ON credit_transfers
        FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change()
    `);
    await runner.query(`
      CREATE TRIGGER credit_transfers_no_truncate
        BEFORE TRUNCATE ON credit_transfers
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE credit_transfers`);
    await runner.query(`DROP TABLE credit_hold_grants`);
    await runner.query(`DROP TABLE credit_holds`);
    await runner.query(`DROP TABLE credit_grants`);
    await runner.query(`DROP TABLE credit_accounts`);
    await runner.query(`DROP FUNCTION refuse_ledger_change()`);
  }
}
