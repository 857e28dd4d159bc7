import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseSettings, type Settings } from './settings.js';

/**
 * The one reader of the process's environment. A `.env` file in the working directory fills what the
 * environment leaves out or empty; what is set outside wins, as with every other tool.
 *
 * @throws SettingsError
 */
export function readSettings(): Settings {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  const given = Object.entries(process.env).filter(([, value]) => value !== undefined && value.trim() !== '');
  return parseSettings({ ...file, ...Object.fromEntries(given) });
}
