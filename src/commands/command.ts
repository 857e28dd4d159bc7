import type { Settings } from '../config/settings.js';
import { readSettings } from '../config/environment.js';
import { openDatabase } from '../database/open-database.js';
import { exitWith } from '../exit.js';

/**
 * Runs a command on the configured database, or beside a running service on the embedded one, and ends
 * the process with the code that it returns.
 */
export async function runDatabaseCommand(
  work: (databaseUrl: string, settings: Settings) => Promise<number>,
): Promise<never> {
  try {
    const settings = readSettings();
    const database = await openDatabase(settings, 'attach', (message) => {
      process.stderr.write(`${message}\n`);
    });
    let code: number;
    try {
      code = await work(database.url, settings);
    } finally {
      await database.close();
    }
    process.exit(code);
  } catch (error) {
    exitWith(error);
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
