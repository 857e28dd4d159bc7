import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How the credits of teams are refilled by themselves. */
export class Refills1764000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE credit_refills (
        team_id varchar(128) NOT NULL,
        is_enabled boolean NOT NULL,
        refill_amount bigint,
        refill_period varchar(16),
        refill_threshold bigint,
        monthly_ceiling bigint,
        period_reference varchar(64),
        threshold_refills bigint NOT NULL,
        month varchar(7),
        month_credits bigint NOT NULL,
        last_refill_at timestamptz(3),
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT credit_refills_pkey PRIMARY KEY (team_id),
        CONSTRAINT credit_refills_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id),
        CONSTRAINT credit_refills_amounts_check CHECK (refill_amount > 0 AND refill_threshold > 0),
        CONSTRAINT credit_refills_ceiling_check CHECK (monthly_ceiling >= refill_amount),
        CONSTRAINT credit_refills_counts_check CHECK (threshold_refills >= 0 AND month_credits >= 0),
        CONSTRAINT credit_refills_enabled_check CHECK (NOT is_enabled OR refill_amount IS NOT NULL AND (refill_period IS NOT NULL OR refill_threshold IS NOT NULL)),
        CONSTRAINT credit_refills_period_check CHECK (refill_period IN ('monthly', 'weekly', 'daily'))
      )
    `);
    await runner.query(
      `CREATE INDEX credit_refills_enabled_idx ON credit_refills (team_id) WHERE is_enabled`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE credit_refills`);
  }
}
