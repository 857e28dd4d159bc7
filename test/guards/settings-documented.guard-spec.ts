import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parseSettings, SETTING_DESCRIPTIONS } from '../../src/config/settings.js';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/settings.md'), 'utf8');
const example = readFileSync(join(ROOT, '.env.example'), 'utf8');

/** Lines that set a variable, whether they are commented out or not. */
const ASSIGNMENT = /^(?:# ?)?([A-Z][A-Z0-9_]*)=(.*)$/;

describe('every setting', () => {
  it('is one row of the table in docs/settings.md, word for word, and nothing else is', () => {
    const rows = page.split('\n').filter((line) => /^\| `[A-Z][A-Z0-9_]*` \|/.test(line));

    expect(rows).toEqual(
      SETTING_DESCRIPTIONS.map(
        (setting) => `| \`${setting.name}\` | ${setting.default} | ${setting.description} |`,
      ),
    );
  });

  it('is in .env.example with the value of its example, and nothing else is', () => {
    const lines = example.split('\n').flatMap((line) => {
      const match = ASSIGNMENT.exec(line);
      return match === null ? [] : [`${match[1]!}=${match[2]!}`];
    });

    expect(lines).toEqual(SETTING_DESCRIPTIONS.map((setting) => `${setting.name}=${setting.example}`));
  });

  it('is described in .env.example', () => {
    const lines = example.split('\n');
    const undescribed = SETTING_DESCRIPTIONS.filter(
      (setting) => !lines.some((line) => line.startsWith(`# ${setting.description}`)),
    );

    expect(undescribed.map((setting) => setting.name)).toEqual([]);
  });

  it('may be taken from .env.example as it stands there', () => {
    const uncommented = example
      .split('\n')
      .map((line) => (ASSIGNMENT.test(line) ? line.replace(/^# ?/, '') : line))
      .join('\n');
    const environment = parseEnv(uncommented);

    expect(Object.keys(environment).sort()).toEqual(SETTING_DESCRIPTIONS.map(({ name }) => name).sort());
    expect(parseSettings(environment).mode).toBe('production');
  });
});
