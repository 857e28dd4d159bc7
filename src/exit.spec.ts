import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SettingsError } from './config/settings.js';
import { EmbeddedPostgresError } from './database/embedded/embedded-postgres.js';
import { DatabaseUnreachableError } from './database/open-database.js';
import { exitWith } from './exit.js';
import { EndRequested } from './lifetime.js';
import { StartError } from './start-error.js';

/** Stands for the end of the process, which no test survives. */
class Exit extends Error {
  constructor(readonly code: unknown) {
    super('the process ended');
  }
}

const real = { exit: process.exit.bind(process), write: process.stderr.write.bind(process.stderr) };
let written = '';

beforeEach(() => {
  written = '';
  process.exit = (code) => {
    throw new Exit(code);
  };
  process.stderr.write = (text) => {
    written += String(text);
    return true;
  };
});

afterEach(() => {
  process.exit = real.exit;
  process.stderr.write = real.write;
});

function codeOf(error: unknown): unknown {
  try {
    exitWith(error);
  } catch (exit) {
    if (exit instanceof Exit) return exit.code;
    throw exit;
  }
}

describe('the end after a failure', () => {
  it.each<[string, unknown, number, string]>([
    // 78 is EX_CONFIG of sysexits.h.
    ['bad settings', new SettingsError(['PORT must be x', 'HOST must be y']), 78, 'PORT must be x'],
    [
      'a start that was told its code',
      new StartError('Run: npm run migrate', 78),
      78,
      'Run: npm run migrate',
    ],
    ['another start that cannot go on', new StartError('The port is taken.'), 1, 'The port is taken.'],
    ['the embedded Postgres', new EmbeddedPostgresError('The disk is full.'), 1, 'The disk is full.'],
    [
      'a database that does not answer',
      new DatabaseUnreachableError('Nothing listens.'),
      1,
      'Nothing listens.',
    ],
  ])('of %s is a sentence without a stack trace', (_, error, code, sentence) => {
    expect(codeOf(error)).toBe(code);
    expect(written).toContain(sentence);
    expect(written).not.toMatch(/^\s+at /m);
    expect(written.endsWith('\n')).toBe(true);
  });

  it('lists all bad settings', () => {
    codeOf(new SettingsError(['PORT must be x', 'HOST must be y']));

    expect(written).toBe('The settings are not usable:\n  - PORT must be x\n  - HOST must be y\n');
  });

  it('that was asked for is no failure', () => {
    expect(codeOf(new EndRequested('The start was broken off.'))).toBe(0);
    expect(written).toBe('The start was broken off.\n');
  });

  it('of the embedded Postgres shows what the server itself wrote', () => {
    codeOf(new EmbeddedPostgresError('It did not start.', { detail: 'FATAL: no space left' }));

    expect(written).toBe('It did not start.\nFATAL: no space left\n');
  });

  it('of a fault of ours shows where it came from', () => {
    expect(codeOf(new TypeError('x is undefined'))).toBe(1);
    expect(written).toMatch(/did not foresee:\nTypeError: x is undefined\n\s+at /);
  });

  it.each([['a text'], [undefined], [null], [7]])('of %j, which is no error, still ends', (thrown) => {
    expect(codeOf(thrown)).toBe(1);
    expect(written).toContain(String(thrown));
  });
});
