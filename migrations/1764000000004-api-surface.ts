import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn } from './add-column.js';

/**
 * States of organizations, teams, groups and models; which groups a job has used; metadata of calls; and
 * in every line of the ledger what remains after it.
 */
export class ApiSurface1764000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'organizations', 'status', 'varchar(16)', `'active'`);
    await runner.query(
      `ALTER TABLE organizations ADD CONSTRAINT organizations_status_check CHECK (status IN ('active', 'suspended'))`,
    );
    await runner.query(
      `CREATE INDEX organizations_created_at_idx ON organizations (created_at, organization_id)`,
    );

    await runner.query(`ALTER TABLE teams DROP CONSTRAINT teams_status_check`);
    await runner.query(
      `ALTER TABLE teams ADD CONSTRAINT teams_status_check CHECK (status IN ('active', 'suspended', 'deleted'))`,
    );
    await runner.query(`DROP INDEX teams_organization_id_idx`);
    await runner.query(
      `CREATE INDEX teams_organization_id_idx ON teams (organization_id, created_at, team_id)`,
    );
    await runner.query(`CREATE INDEX teams_created_at_idx ON teams (created_at, team_id)`);

    await addColumn(runner, 'model_groups', 'status', 'varchar(16)', `'active'`);
    await runner.query(
      `ALTER TABLE model_groups ADD CONSTRAINT model_groups_status_check CHECK (status IN ('active', 'inactive'))`,
    );
    await addColumn(runner, 'model_group_models', 'is_active', 'boolean', 'true');

    await addColumn(runner, 'jobs', 'model_groups_used', 'varchar(128)[]', `'{}'`);
    await runner.query(`
      UPDATE jobs SET model_groups_used = used.groups
        FROM (SELECT job_id, team_id, array_agg(model_group ORDER BY first_call_id) AS groups
                FROM (SELECT job_id, team_id, model_group, min(call_id::text) AS first_call_id
                        FROM llm_calls WHERE status <> 'in_flight' GROUP BY job_id, team_id, model_group) firsts
               GROUP BY job_id, team_id) used
       WHERE used.job_id = jobs.job_id AND used.team_id = jobs.team_id
    `);
    await runner.query(`CREATE INDEX jobs_open_idx ON jobs (team_id, job_id) WHERE completed_at IS NULL`);
    await addColumn(runner, 'llm_calls', 'metadata', 'jsonb', `'{}'`);

    await addColumn(runner, 'credit_accounts', 'is_closed', 'boolean', 'false');
    await runner.query(`ALTER TABLE credit_transfers ADD COLUMN remaining_after bigint`);
    // The one change that old lines of the ledger will ever see: what they say stays as it was.
    await runner.query(`ALTER TABLE credit_transfers DISABLE TRIGGER credit_transfers_append_only`);
    await runner.query(`
      UPDATE credit_transfers SET remaining_after = sums.remaining
        FROM (SELECT transfer_id, team_id,
                     sum(CASE kind WHEN 'allocation' THEN credits WHEN 'capture' THEN -credits ELSE 0 END)
                       OVER (PARTITION BY team_id ORDER BY sequence) AS remaining
                FROM credit_transfers) sums
       WHERE sums.transfer_id = credit_transfers.transfer_id AND sums.team_id = credit_transfers.team_id
    `);
    await runner.query(`ALTER TABLE credit_transfers ENABLE TRIGGER credit_transfers_append_only`);
    await runner.query(`ALTER TABLE credit_transfers ALTER COLUMN remaining_after SET NOT NULL`);
    await runner.query(
      `ALTER TABLE credit_transfers ADD CONSTRAINT credit_transfers_remaining_after_check CHECK (remaining_after >= 0)`,
    );
    await runner.query(
      `CREATE INDEX credit_transfers_remaining_idx ON credit_transfers (team_id, sequence) WHERE kind IN ('allocation', 'capture')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE credit_transfers DROP COLUMN remaining_after`);
    await runner.query(`DROP INDEX credit_transfers_remaining_idx`);
    await runner.query(`ALTER TABLE credit_accounts DROP COLUMN is_closed`);
    await runner.query(`ALTER TABLE llm_calls DROP COLUMN metadata`);
    await runner.query(`DROP INDEX jobs_open_idx`);
    await runner.query(`ALTER TABLE jobs DROP COLUMN model_groups_used`);
    await runner.query(`ALTER TABLE model_group_models DROP COLUMN is_active`);
    await runner.query(`ALTER TABLE model_groups DROP COLUMN status`);
    await runner.query(`DROP INDEX teams_created_at_idx`);
    await runner.query(`DROP INDEX teams_organization_id_idx`);
    await runner.query(`CREATE INDEX teams_organization_id_idx ON teams (organization_id)`);
    // What the older version does not know is lost: suspensions of organizations, groups and models that are
    // switched off, and that a team is deleted. One that is suspended at least takes no new work.
    await runner.query(`UPDATE teams SET status = 'suspended' WHERE status = 'deleted'`);
    await runner.query(`ALTER TABLE teams DROP CONSTRAINT teams_status_check`);
    await runner.query(
      `ALTER TABLE teams ADD CONSTRAINT teams_status_check CHECK (status IN ('active', 'suspended'))`,
    );
    await runner.query(`DROP INDEX organizations_created_at_idx`);
    await runner.query(`ALTER TABLE organizations DROP COLUMN status`);
  }
}
