import type { Settings } from '../config/settings.js';
import { readSettings } from '../config/environment.js';
import { openDatabase } from '../database/open-database.js';
import { exitWith } from '../exit.js';
import { Lifetime } from '../lifetime.js';

/** As a shell reports a program that was ended by Ctrl-C. */
const EXIT_INTERRUPTED = 130;

/**
 * Runs a command on the configured database, or beside a running service on the embedded one, and ends
 * the process with the code that it returns. A signal stops a database that the command has started.
 */
export async function runDatabaseCommand(
  work: (databaseUrl: string, settings: Settings) => Promise<number>,
): Promise<never> {
  const lifetime = new Lifetime();
  let code: number;
  try {
    const settings = readSettings();
    const database = await openDatabase(settings, 'attach', (message) => {
      process.stderr.write(`${message}\n`);
    });
    lifetime.started(() => database.close());
    lifetime.ready(() => Promise.resolve(), EXIT_INTERRUPTED);
    code = await work(database.url, settings);
    await lifetime.stop();
  } catch (error) {
    await lifetime.stop().catch(() => undefined);
    exitWith(error);
  }
  process.exit(code);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
