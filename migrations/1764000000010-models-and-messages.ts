import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

/** Weights of models. */
export class ModelsAndMessages1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'model_group_models', 'weight', 'integer', '1');
    await runner.query(
      `ALTER TABLE model_group_models ADD CONSTRAINT model_group_models_weight_check CHECK (weight > 0)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE model_group_models DROP COLUMN weight`);
  }
}
