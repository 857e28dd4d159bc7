import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Answers to requests that carried an `Idempotency-Key`, and the claims of those that still run. */
export class Idempotency1764000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency_keys (
        caller varchar(160) NOT NULL,
        route varchar(256) NOT NULL,
        idempotency_key varchar(255) NOT NULL,
        fingerprint bytea NOT NULL,
        state varchar(16) NOT NULL,
        claim_id uuid,
        lease_expires_at timestamptz(3),
        answer bytea,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, route, idempotency_key),
        CONSTRAINT idempotency_keys_answer_check CHECK ((state = 'stored') = (answer IS NOT NULL)),
        CONSTRAINT idempotency_keys_claim_check CHECK ((state = 'running') = (claim_id IS NOT NULL) AND (state = 'running') = (lease_expires_at IS NOT NULL)),
        CONSTRAINT idempotency_keys_state_check CHECK (state IN ('running', 'stored', 'too_large'))
      )
    `);
    // Ciphertext does not get smaller, so trying to compress it is wasted.
    await runner.query(`ALTER TABLE idempotency_keys ALTER COLUMN answer SET STORAGE EXTERNAL`);
    await runner.query(`CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at)`);
    await runner.query(
      `CREATE INDEX idempotency_keys_running_idx ON idempotency_keys (claim_id) WHERE state = 'running'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE idempotency_keys`);
  }
}
