import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Ways to the lines of one job, to those of a rare kind, and to all grants of a team. */
export class CreditReports1764000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX credit_transfers_job_idx ON credit_transfers (team_id, hold_id) WHERE kind IN ('capture', 'overage', 'collection', 'refund')`,
    );
    await runner.query(
      `CREATE INDEX credit_transfers_rare_idx ON credit_transfers (team_id, kind, sequence) WHERE kind IN ('allocation', 'refund', 'expiry')`,
    );
    await runner.query(
      `CREATE INDEX credit_grants_team_id_grant_id_idx ON credit_grants (team_id, grant_id)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX credit_grants_team_id_grant_id_idx`);
    await runner.query(`DROP INDEX credit_transfers_rare_idx`);
    await runner.query(`DROP INDEX credit_transfers_job_idx`);
  }
}
