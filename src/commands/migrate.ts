import { migrate } from '../database/migrations.js';
import { print, runDatabaseCommand } from './command.js';

await runDatabaseCommand(async (databaseUrl) => {
  const applied = await migrate(databaseUrl);
  for (const name of applied) print(`applied ${name}`);
  print(
    applied.length === 0 ? 'The schema is up to date.' : `${String(applied.length)} migration(s) applied.`,
  );
  return 0;
});
