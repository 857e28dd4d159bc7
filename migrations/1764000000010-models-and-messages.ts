import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

/** Weights of models; whether a job pays a second model for one answer. */
export class ModelsAndMessages1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'model_group_models', 'weight', 'integer', '1');
    await runner.query(
      `ALTER TABLE model_group_models ADD CONSTRAINT model_group_models_weight_check CHECK (weight > 0)`,
    );
    await runner.query(`ALTER TABLE job_type_terms ADD COLUMN retry_ambiguous boolean`);
    await addColumn(runner, 'jobs', 'may_retry_ambiguous', 'boolean', 'true');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE jobs DROP COLUMN may_retry_ambiguous`);
    await runner.query(`ALTER TABLE job_type_terms DROP COLUMN retry_ambiguous`);
    await runner.query(`ALTER TABLE model_group_models DROP COLUMN weight`);
  }
}
