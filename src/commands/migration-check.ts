import { migrate } from '../database/migrations.js';
import { findSchemaDrift } from '../database/schema-drift.js';
import { withScratchDatabase } from '../database/scratch-database.js';
import { print, runDatabaseCommand } from './command.js';

await runDatabaseCommand((databaseUrl) =>
  withScratchDatabase(databaseUrl, async (scratchUrl) => {
    await migrate(scratchUrl);
    const drift = await findSchemaDrift(scratchUrl);
    for (const statement of drift) print(`${statement};`);
    print(
      drift.length === 0
        ? 'Entities and migrations agree.'
        : `Entities and migrations differ: a migration with the ${String(drift.length)} statement(s) above is missing.`,
    );
    return drift.length === 0 ? 0 : 1;
  }),
);
