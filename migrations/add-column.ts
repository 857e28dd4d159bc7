import type { QueryRunner } from 'typeorm';

/** Adds a column with a value for the rows that are there; later rows must bring their own. */
export async function addColumn(
  runner: QueryRunner,
  table: string,
  name: string,
  type: string,
  value: string,
): Promise<void> {
  await runner.query(`ALTER TABLE ${table} ADD COLUMN ${name} ${type} NOT NULL DEFAULT ${value}`);
  await runner.query(`ALTER TABLE ${table} ALTER COLUMN ${name} DROP DEFAULT`);
}
