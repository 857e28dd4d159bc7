import { withDataSource } from '../database/data-source-options.js';
import { hasPendingMigrations } from '../database/migrations.js';
import { StartError } from '../start-error.js';
import { LEDGER_CHECKS } from '../verification/ledger-checks.js';
import { verifyLedger } from '../verification/verify-ledger.js';
import { print, runDatabaseCommand } from './command.js';

await runDatabaseCommand(async (databaseUrl) => {
  if (await hasPendingMigrations(databaseUrl)) {
    throw new StartError('The database schema is older than this version. Migrate it first: npm run migrate');
  }
  return withDataSource({ url: databaseUrl, poolSize: 1 }, async (dataSource) => {
    const differences = await dataSource.transaction('REPEATABLE READ', verifyLedger);
    for (const difference of differences) {
      print(
        `${difference.check}: team ${difference.teamId}, ${difference.id}: ${difference.finding}; ` +
          `expected ${difference.expected}, found ${difference.found}`,
      );
    }
    print(
      differences.length === 0
        ? `The ledger is right: ${String(LEDGER_CHECKS.length)} checks, no difference.`
        : `The ledger is wrong: ${String(differences.length)} difference(s).`,
    );
    return differences.length === 0 ? 0 : 1;
  });
});
