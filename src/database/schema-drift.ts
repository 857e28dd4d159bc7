import { join } from 'node:path';
import { withDataSource } from './data-source-options.js';

/** Every feature's entities, by their file names in the compiled tree. */
const ENTITIES = join(import.meta.dirname, '../*/entities/*.entity.js');

/**
 * The statements that would turn a migrated schema into the one the entities describe; none if they
 * agree.
 */
export async function findSchemaDrift(databaseUrl: string): Promise<string[]> {
  return withDataSource(
    { url: databaseUrl, poolSize: 2 },
    async (dataSource) => {
      if (dataSource.entityMetadatas.length === 0) throw new Error(`No entity was found at ${ENTITIES}.`);
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      return upQueries.map((query) => query.query);
    },
    [ENTITIES],
  );
}
