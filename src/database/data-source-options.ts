import { DataSource, type DataSourceOptions } from 'typeorm';
import { ALL_MIGRATIONS } from '../../migrations/all-migrations.js';
import { PooledClient } from './pooled-client.js';

export interface DatabaseConnection {
  readonly url: string;
  readonly poolSize: number;
  /** Longest wait for one statement; no limit when left out. */
  readonly queryTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * The options that the service, its commands and TypeORM's own command line share. Entities are added
 * by whoever uses them; `synchronize` stays off, only migrations change a schema.
 */
export function dataSourceOptions(connection: DatabaseConnection): DataSourceOptions {
  return {
    type: 'postgres',
    url: connection.url,
    synchronize: false,
    migrations: ALL_MIGRATIONS,
    migrationsTableName: 'schema_migrations',
    // One transaction for all pending migrations: a failing one leaves the schema as it was.
    migrationsTransactionMode: 'all',
    // Ids are made by the service; no extension is needed, so none is installed.
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    applicationName: 'jobs-over-litellm',
    extra: {
      Client: PooledClient,
      max: connection.poolSize,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      // A connection that has died without a word would otherwise hold its request and its place for ever.
      keepAlive: true,
      ...(connection.queryTimeoutMs !== undefined && { query_timeout: connection.queryTimeoutMs }),
    },
  };
}

/** Opens a data source for as long as `work` lasts. @param entities file patterns, for what needs them */
export async function withDataSource<T>(
  connection: DatabaseConnection,
  work: (dataSource: DataSource) => Promise<T>,
  entities: string[] = [],
): Promise<T> {
  const dataSource = new DataSource({ ...dataSourceOptions(connection), entities });
  await dataSource.initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
