import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type * as DataSourceOptions from '../../src/database/data-source-options.js';
import type * as Migrations from '../../src/database/migrations.js';
import type * as SchemaDrift from '../../src/database/schema-drift.js';
import { withScratchDatabase } from '../../src/database/scratch-database.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';

/** TypeORM loads the entities by their compiled files, so whatever goes with them comes from there too. */
async function compiled<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(import.meta.dirname, '../../dist/src/database', file)).href)) as T;
}

const { hasPendingMigrations, migrate, revertLastMigration } =
  await compiled<typeof Migrations>('migrations.js');
const { findSchemaDrift } = await compiled<typeof SchemaDrift>('schema-drift.js');

const { withDataSource } = await compiled<typeof DataSourceOptions>('data-source-options.js');

const ENTITIES = join(import.meta.dirname, '../../dist/src/*/entities/*.entity.js');

/** An empty database, while `work` lasts. */
async function onEmptyDatabase(work: (url: string) => Promise<void>): Promise<void> {
  // Beside the template, not on it: nobody may be connected to that while other tests copy it.
  const maintenance = new URL(process.env['TEST_DATABASE_URL']!);
  maintenance.pathname = '/postgres';
  await withScratchDatabase(maintenance.toString(), work);
}

/** Tables and functions of ours; the table that remembers migrations is TypeORM's. */
async function listObjects(url: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm')
     UNION ALL
     SELECT proname || '()' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     ORDER BY name`,
  );
  return rows.map((row) => row.name).filter((name) => name !== 'schema_migrations');
}

/** Every constraint and index with its whole text, as Postgres writes it. */
async function listDefinitions(url: string): Promise<string[]> {
  const rows = await query<{ definition: string }>(
    url,
    `SELECT concat(conrelid::regclass, ' ', conname, ' ', pg_get_constraintdef(oid)) AS definition
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
     UNION ALL
     SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
     ORDER BY definition`,
  );
  return rows.map((row) => row.definition).filter((definition) => !definition.includes('schema_migrations'));
}

/** The names that the files call for, in their order: `1764000000003-jobs.ts` holds `Jobs1764000000003`. */
const MIGRATIONS = readdirSync(join(import.meta.dirname, '../../migrations'))
  .sort()
  .flatMap((file) => {
    const match = /^(\d+)-([a-z0-9-]+)\.ts$/.exec(file);
    if (match === null) return [];
    const words = match[2]!.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    return [words.join('') + match[1]!];
  });

describe('the migrations', () => {
  it('go up from nothing to what the entities describe, down to nothing, and up again', async () => {
    await onEmptyDatabase(async (url) => {
      expect(await hasPendingMigrations(url)).toBe(true);
      // A file that is not in the list of migrations would be missing here.
      expect(await migrate(url)).toEqual(MIGRATIONS);
      expect(await hasPendingMigrations(url)).toBe(false);
      expect(await findSchemaDrift(url)).toEqual([]);
      const objects = await listObjects(url);
      expect(objects).toEqual(expect.arrayContaining(['credit_transfers', 'jobs', 'refuse_ledger_change()']));

      for (const _ of MIGRATIONS) await revertLastMigration(url);
      expect(await listObjects(url)).toEqual([]);

      expect(await migrate(url)).toEqual(MIGRATIONS);
      expect(await findSchemaDrift(url)).toEqual([]);
      expect(await listObjects(url)).toEqual(objects);
    });
  });

  it('go back one at a time, the newest first', async () => {
    await onEmptyDatabase(async (url) => {
      await migrate(url);
      await revertLastMigration(url);

      expect((await listObjects(url)).length).toBeGreaterThan(0);
      expect(await hasPendingMigrations(url)).toBe(true);
      expect(await migrate(url)).toEqual(MIGRATIONS.slice(-1));
    });
  });

  it('are applied once by any number of processes that start together', async () => {
    await onEmptyDatabase(async (url) => {
      const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);

      expect(applied.flat().sort()).toEqual([...MIGRATIONS].sort());
      expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    });
  });

  it('write every CHECK, key and index as the entities do, whose texts the drift check does not compare', async () => {
    await onEmptyDatabase(async (migrated) => {
      await migrate(migrated);
      await onEmptyDatabase(async (described) => {
        await withDataSource({ url: described, poolSize: 2 }, (dataSource) => dataSource.synchronize(), [
          ENTITIES,
        ]);
        const definitions = await listDefinitions(migrated);
        expect(definitions.filter((definition) => definition.includes(' CHECK ')).length).toBeGreaterThan(20);
        expect(definitions).toEqual(await listDefinitions(described));
      });
    });
  });

  it('that fail leave the schema as it was', async () => {
    await onEmptyDatabase(async (url) => {
      // In the way of a later migration: the earlier ones must not stay either.
      await query(url, `CREATE TABLE llm_call_leases (x integer)`);

      await expect(migrate(url)).rejects.toThrow(/llm_call_leases/);
      expect(await listObjects(url)).toEqual(['llm_call_leases']);
      await query(url, `DROP TABLE llm_call_leases`);
      expect(await migrate(url)).toEqual(MIGRATIONS);
    });
  });
});

describe('a schema that differs from the entities', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(async () => {
    await database.drop();
  });

  // Each is taken back afterwards, so that the next one is found alone.
  it.each<[string, string, string, RegExp]>([
    [
      'a missing column',
      `ALTER TABLE jobs DROP COLUMN error_message`,
      `ALTER TABLE jobs ADD COLUMN error_message text`,
      /ADD "error_message" text/,
    ],
    [
      'a column of another type',
      `ALTER TABLE teams ALTER COLUMN team_alias TYPE text`,
      `ALTER TABLE teams ALTER COLUMN team_alias TYPE varchar(256)`,
      /team_alias/,
    ],
    [
      'a column that may be null',
      `ALTER TABLE jobs ALTER COLUMN total_tokens DROP NOT NULL`,
      `ALTER TABLE jobs ALTER COLUMN total_tokens SET NOT NULL`,
      /"total_tokens" SET NOT NULL/,
    ],
    [
      'a column too many',
      `ALTER TABLE jobs ADD COLUMN extra integer`,
      `ALTER TABLE jobs DROP COLUMN extra`,
      /DROP COLUMN "extra"/,
    ],
    [
      'a missing index',
      `DROP INDEX jobs_team_id_job_id_idx`,
      `CREATE INDEX jobs_team_id_job_id_idx ON jobs (team_id, job_id)`,
      /CREATE INDEX "jobs_team_id_job_id_idx"/,
    ],
    [
      'a missing unique index',
      `DROP INDEX credit_transfers_hold_end_key`,
      `CREATE UNIQUE INDEX credit_transfers_hold_end_key ON credit_transfers (team_id, hold_id)
        WHERE kind IN ('capture', 'release')`,
      /CREATE UNIQUE INDEX "credit_transfers_hold_end_key"/,
    ],
    [
      'an index that is no longer unique',
      `DROP INDEX virtual_keys_key_hash_key; CREATE INDEX virtual_keys_key_hash_key ON virtual_keys (key_hash)`,
      `DROP INDEX virtual_keys_key_hash_key; CREATE UNIQUE INDEX virtual_keys_key_hash_key ON virtual_keys (key_hash)`,
      /virtual_keys_key_hash_key/,
    ],
    [
      'a missing foreign key',
      `ALTER TABLE jobs DROP CONSTRAINT jobs_team_id_fkey`,
      `ALTER TABLE jobs ADD CONSTRAINT jobs_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id)`,
      /ADD CONSTRAINT "jobs_team_id_fkey"/,
    ],
    [
      'a missing CHECK',
      `ALTER TABLE credit_accounts DROP CONSTRAINT credit_accounts_available_check`,
      `ALTER TABLE credit_accounts ADD CONSTRAINT credit_accounts_available_check CHECK (available >= 0)`,
      /ADD CONSTRAINT "credit_accounts_available_check"/,
    ],
    [
      'a table too few',
      `DROP TABLE llm_call_leases`,
      `CREATE TABLE llm_call_leases (process_id uuid NOT NULL, expires_at timestamptz(3) NOT NULL,
         CONSTRAINT llm_call_leases_pkey PRIMARY KEY (process_id))`,
      /CREATE TABLE "llm_call_leases"/,
    ],
  ])('by %s is found', async (_, damage, repair, expected) => {
    await query(database.url, damage);
    const drift = await findSchemaDrift(database.url);
    await query(database.url, repair);

    expect(drift.join('\n')).toMatch(expected);
    expect(await findSchemaDrift(database.url)).toEqual([]);
  });
});
