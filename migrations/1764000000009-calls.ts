import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

/** Disjoint kinds of tokens, in the order of `llm_attempts`. */
const INPUT_BUCKETS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'audio_input_tokens',
  'image_input_tokens',
];
const OUTPUT_BUCKETS = ['output_tokens', 'reasoning_tokens', 'audio_output_tokens', 'image_output_tokens'];

/**
 * Streams, embeddings and schemas: how calls and attempts can end, what each attempt's tokens were, and jobs
 * that end with their one call.
 */
export class Calls1764000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'jobs', 'ends_with_call', 'boolean', 'false');
    await addColumn(runner, 'jobs', 'schema_missed_calls', 'integer', '0');
    await runner.query(
      `ALTER TABLE jobs ADD CONSTRAINT jobs_schema_missed_calls_check CHECK (schema_missed_calls BETWEEN 0 AND total_calls)`,
    );

    await runner.query(`ALTER TABLE llm_calls ALTER COLUMN status TYPE varchar(24)`);
    await replaceCheck(
      runner,
      'llm_calls',
      'llm_calls_status_check',
      `status IN ('in_flight', 'succeeded', 'failed', 'interrupted', 'partial', 'client_disconnected')`,
    );
    await addColumn(runner, 'llm_calls', 'kind', 'varchar(16)', `'chat'`);
    await runner.query(
      `ALTER TABLE llm_calls ADD CONSTRAINT llm_calls_kind_check CHECK (kind IN ('chat', 'embedding'))`,
    );
    await addColumn(runner, 'llm_calls', 'is_stream', 'boolean', 'false');
    await addColumn(runner, 'llm_calls', 'is_estimated', 'boolean', 'false');
    await runner.query(`ALTER TABLE llm_calls ADD COLUMN schema_outcome varchar(8)`);
    await runner.query(
      `ALTER TABLE llm_calls ADD CONSTRAINT llm_calls_schema_outcome_check CHECK (schema_outcome IN ('matched', 'missed'))`,
    );
    await runner.query(`ALTER TABLE llm_calls ADD COLUMN first_byte_ms integer`);

    await replaceCheck(
      runner,
      'llm_attempts',
      'llm_attempts_status_check',
      `status IN ('in_flight', 'succeeded', 'failed', 'timed_out', 'interrupted', 'partial', 'canceled')`,
    );
    await replaceCheck(
      runner,
      'llm_attempts',
      'llm_attempts_cost_check',
      `CASE WHEN status = 'in_flight' THEN cost_source IS NULL AND cost_usd IS NULL ` +
        `ELSE cost_source IS NOT NULL AND (cost_source IN ('unpriced', 'refused')) = (cost_usd IS NULL) END`,
    );
    for (const bucket of [...INPUT_BUCKETS, ...OUTPUT_BUCKETS]) {
      await runner.query(`ALTER TABLE llm_attempts ADD COLUMN ${bucket} integer`);
    }
    await runner.query(
      `ALTER TABLE llm_attempts ADD CONSTRAINT llm_attempts_buckets_check CHECK (` +
        `input_tokens IS NULL OR (${INPUT_BUCKETS.join(' + ')} = prompt_tokens ` +
        `AND ${OUTPUT_BUCKETS.join(' + ')} = completion_tokens))`,
    );
    await runner.query(`ALTER TABLE llm_attempts ADD COLUMN is_estimated boolean`);
    await runner.query(`ALTER TABLE llm_attempts ADD COLUMN first_byte_ms integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE llm_attempts SET cost_source = 'unpriced' WHERE cost_source = 'refused'`);
    await runner.query(`UPDATE llm_attempts SET status = 'failed' WHERE status IN ('partial', 'canceled')`);
    await runner.query(`ALTER TABLE llm_attempts DROP CONSTRAINT llm_attempts_buckets_check`);
    for (const column of [...INPUT_BUCKETS, ...OUTPUT_BUCKETS, 'is_estimated', 'first_byte_ms']) {
      await runner.query(`ALTER TABLE llm_attempts DROP COLUMN ${column}`);
    }
    await replaceCheck(
      runner,
      'llm_attempts',
      'llm_attempts_cost_check',
      `CASE WHEN status = 'in_flight' THEN cost_source IS NULL AND cost_usd IS NULL ` +
        `ELSE cost_source IS NOT NULL AND (cost_source = 'unpriced') = (cost_usd IS NULL) END`,
    );
    await replaceCheck(
      runner,
      'llm_attempts',
      'llm_attempts_status_check',
      `status IN ('in_flight', 'succeeded', 'failed', 'timed_out', 'interrupted')`,
    );

    // What counted as a success stays one in the totals of its job.
    await runner.query(`UPDATE llm_calls SET status = 'succeeded' WHERE status = 'client_disconnected'`);
    await runner.query(`UPDATE llm_calls SET status = 'failed' WHERE status = 'partial'`);
    for (const column of ['kind', 'is_stream', 'is_estimated', 'schema_outcome', 'first_byte_ms']) {
      await runner.query(`ALTER TABLE llm_calls DROP COLUMN ${column}`);
    }
    await replaceCheck(
      runner,
      'llm_calls',
      'llm_calls_status_check',
      `status IN ('in_flight', 'succeeded', 'failed', 'interrupted')`,
    );
    await runner.query(`ALTER TABLE llm_calls ALTER COLUMN status TYPE varchar(16)`);

    await runner.query(`ALTER TABLE jobs DROP COLUMN schema_missed_calls`);
    await runner.query(`ALTER TABLE jobs DROP COLUMN ends_with_call`);
  }
}

async function replaceCheck(
  runner: QueryRunner,
  table: string,
  name: string,
  condition: string,
): Promise<void> {
  await runner.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  await runner.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} CHECK (${condition})`);
}
