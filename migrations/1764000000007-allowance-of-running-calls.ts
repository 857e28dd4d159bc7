import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A job that ended while a call of it was running takes from the allowance, too. */
export class AllowanceOfRunningCalls1764000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await replaceIndex(runner, `successful_calls > 0 OR running_calls > 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await replaceIndex(runner, `successful_calls > 0`);
  }
}

async function replaceIndex(runner: QueryRunner, hadSomething: string): Promise<void> {
  await runner.query(`DROP INDEX jobs_free_endings_idx`);
  await runner.query(
    `CREATE INDEX jobs_free_endings_idx ON jobs (team_id, job_type, completed_at) WHERE charge_rule = 'allowance' AND NOT credit_applied AND (${hadSomething})`,
  );
}
