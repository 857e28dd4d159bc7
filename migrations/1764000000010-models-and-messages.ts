import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

/** Weights of models; whether a job pays a second model for one answer; messages of calls. */
export class ModelsAndMessages1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'model_group_models', 'weight', 'integer', '1');
    await runner.query(
      `ALTER TABLE model_group_models ADD CONSTRAINT model_group_models_weight_check CHECK (weight > 0)`,
    );
    await runner.query(`ALTER TABLE job_type_terms ADD COLUMN retry_ambiguous boolean`);
    await addColumn(runner, 'jobs', 'may_retry_ambiguous', 'boolean', 'true');
    await runner.query(`
      CREATE TABLE llm_call_messages (
        call_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        job_id uuid NOT NULL,
        content bytea,
        is_too_large boolean NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT llm_call_messages_pkey PRIMARY KEY (call_id, team_id),
        CONSTRAINT llm_call_messages_content_check CHECK (is_too_large = (content IS NULL))
      )
    `);
    await runner.query(`CREATE INDEX llm_call_messages_expires_at_idx ON llm_call_messages (expires_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE llm_call_messages`);
    await runner.query(`ALTER TABLE jobs DROP COLUMN may_retry_ambiguous`);
    await runner.query(`ALTER TABLE job_type_terms DROP COLUMN retry_ambiguous`);
    await runner.query(`ALTER TABLE model_group_models DROP COLUMN weight`);
  }
}
