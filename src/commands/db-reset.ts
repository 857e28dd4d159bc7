import { resolve } from 'node:path';
import { readSettings } from '../config/environment.js';
import { resetEmbeddedPostgres } from '../database/embedded/embedded-postgres.js';
import { exitWith } from '../exit.js';
import { StartError } from '../start-error.js';
import { print } from './command.js';

try {
  const settings = readSettings();
  if (settings.databaseUrl !== null) {
    throw new StartError(
      'DATABASE_URL is set: only the embedded database is reset. Unset it, or drop that one yourself.',
    );
  }
  const hadData = await resetEmbeddedPostgres(resolve(settings.dataDir));
  print(
    hadData
      ? `The embedded database in ${settings.dataDir} is empty.`
      : `There is no embedded database in ${settings.dataDir}.`,
  );
} catch (error) {
  exitWith(error);
}
