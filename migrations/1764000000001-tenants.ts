import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Organizations, teams, their keys and their model groups. */
export class Tenants1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE organizations (
        organization_id varchar(128) NOT NULL,
        name varchar(256) NOT NULL,
        metadata jsonb NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT organizations_pkey PRIMARY KEY (organization_id)
      )
    `);
    await runner.query(`
      CREATE TABLE teams (
        team_id varchar(128) NOT NULL,
        organization_id varchar(128) NOT NULL,
        team_alias varchar(256),
        status varchar(16) NOT NULL,
        cost_visibility varchar(16) NOT NULL,
        metadata jsonb NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT teams_pkey PRIMARY KEY (team_id),
        CONSTRAINT teams_cost_visibility_check CHECK (cost_visibility IN ('summary', 'none')),
        CONSTRAINT teams_status_check CHECK (status IN ('active', 'suspended')),
        CONSTRAINT teams_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (organization_id)
      )
    `);
    await runner.query(`CREATE INDEX teams_organization_id_idx ON teams (organization_id)`);
    await runner.query(`
      CREATE TABLE virtual_keys (
        key_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        key_hash bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        CONSTRAINT virtual_keys_pkey PRIMARY KEY (key_id),
        CONSTRAINT virtual_keys_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id)
      )
    `);
    await runner.query(`CREATE INDEX virtual_keys_team_id_idx ON virtual_keys (team_id)`);
    await runner.query(`CREATE UNIQUE INDEX virtual_keys_key_hash_key ON virtual_keys (key_hash)`);
    await runner.query(`
      CREATE TABLE model_groups (
        model_group_id uuid NOT NULL,
        group_name varchar(128) NOT NULL,
        display_name varchar(256) NOT NULL,
        description varchar(2048),
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT model_groups_pkey PRIMARY KEY (model_group_id)
      )
    `);
    await runner.query(`CREATE UNIQUE INDEX model_groups_group_name_key ON model_groups (group_name)`);
    await runner.query(`
      CREATE TABLE model_group_models (
        model_group_id uuid NOT NULL,
        position smallint NOT NULL,
        model_name varchar(256) NOT NULL,
        priority integer NOT NULL,
        CONSTRAINT model_group_models_pkey PRIMARY KEY (model_group_id, position),
        CONSTRAINT model_group_models_model_group_id_fkey FOREIGN KEY (model_group_id) REFERENCES model_groups (model_group_id) ON DELETE CASCADE
      )
    `);
    await runner.query(`
      CREATE TABLE team_model_groups (
        team_id varchar(128) NOT NULL,
        model_group_id uuid NOT NULL,
        position smallint NOT NULL,
        CONSTRAINT team_model_groups_pkey PRIMARY KEY (team_id, model_group_id),
        CONSTRAINT team_model_groups_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id),
        CONSTRAINT team_model_groups_model_group_id_fkey FOREIGN KEY (model_group_id) REFERENCES model_groups (model_group_id)
      )
    `);
    await runner.query(
      `CREATE INDEX team_model_groups_model_group_id_idx ON team_model_groups (model_group_id)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE team_model_groups`);
    await runner.query(`DROP TABLE model_group_models`);
    await runner.query(`DROP TABLE model_groups`);
    await runner.query(`DROP TABLE virtual_keys`);
    await runner.query(`DROP TABLE teams`);
    await runner.query(`DROP TABLE organizations`);
  }
}
