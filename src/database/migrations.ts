import { type DatabaseConnection, withDataSource } from './data-source-options.js';

/** Any number that no other program on the same database uses for its own locks. */
const MIGRATION_LOCK = 7_426_318_057;

/**
 * Applies the pending migrations, all or none. Several processes may ask at once: one works, the others
 * wait for it and find nothing left. Needs a direct connection, because the lock belongs to a session.
 *
 * @returns the names of the migrations applied
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  return withDataSource(connectionTo(databaseUrl), async (dataSource) => {
    const lock = dataSource.createQueryRunner();
    try {
      await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
      const applied = await dataSource.runMigrations();
      return applied.map((migration) => migration.name);
    } finally {
      await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      await lock.release();
    }
  });
}

/** Takes back the newest migration. For development and tests; it can lose data. */
export async function revertLastMigration(databaseUrl: string): Promise<void> {
  await withDataSource(connectionTo(databaseUrl), (dataSource) => dataSource.undoLastMigration());
}

/** Whether the schema is older than the code. */
export async function hasPendingMigrations(databaseUrl: string): Promise<boolean> {
  return withDataSource(connectionTo(databaseUrl), (dataSource) => dataSource.showMigrations());
}

function connectionTo(url: string): DatabaseConnection {
  return { url, poolSize: 2 };
}
