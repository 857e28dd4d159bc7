import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { EmbeddedPostgresError, explainSystemError } from './embedded-postgres.error.js';
import { packageFor } from './postgres-binaries.js';
import { explainSpawnError } from './postmaster.js';

describe('what an operator is told', () => {
  it('names the folder and the reason where the file system refuses', async () => {
    const refusal = await readFile('/dev/null/data').catch((error: unknown) => error);
    const explained = explainSystemError(refusal, '/srv/data') as EmbeddedPostgresError;
    expect(explained).toBeInstanceOf(EmbeddedPostgresError);
    expect(explained.message).toBe(
      'The data directory /srv/data cannot be used: a part of its path is a file, not a folder (at /dev/null/data). Mend that, or set DATA_DIR to another folder.',
    );
    expect(explained.cause).toBe(refusal);
  });

  it('leaves a bug a bug', () => {
    const bug = new TypeError('x is not a function');
    expect(explainSystemError(bug, '/srv/data')).toBe(bug);
  });

  it('leaves its own errors as they are', () => {
    const error = new EmbeddedPostgresError('Do this.');
    expect(explainSystemError(error, '/srv/data')).toBe(error);
  });

  it.each([
    ['win32', 'x64'],
    ['linux', 's390x'],
    ['freebsd', 'x64'],
  ])('points to DATABASE_URL on %s %s, for which there are no binaries', (platform, arch) => {
    expect(() => packageFor(platform, arch)).toThrow(
      `There is no embedded Postgres for ${platform} on ${arch}. Set DATABASE_URL`,
    );
  });

  it('points to DATABASE_URL where the binaries lack their C library', () => {
    const missing = Object.assign(new Error('spawn /x/bin/postgres ENOENT'), { code: 'ENOENT' });
    const { message } = explainSpawnError(missing, '/x/bin/postgres');
    expect(message).toContain('lacks the C library (glibc)');
    expect(message).toContain('Set DATABASE_URL');
  });
});
