import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, link, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asOrdinaryUser, asRoot } from '../support/conditional.js';
import { lastLines, logPath, openServerLog, readLogTail } from '../../src/database/embedded/server-log.js';

describe('the server log', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'server-log-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('is private and tells this start’s lines from earlier ones', async () => {
    await writeFile(logPath(folder), 'earlier\n', { mode: 0o600 });
    const log = await openServerLog(folder);
    await appendFile(log.handle, 'first\nsecond\n');
    await log.handle.close();
    expect(await readLogTail(log)).toBe('first\nsecond');
    expect((await stat(log.path)).mode & 0o777).toBe(0o600);
  });

  it('makes way once it has grown too large', async () => {
    await writeFile(logPath(folder), 'twelve bytes');
    await (await openServerLog(folder, 12)).handle.close();
    expect(await readFile(logPath(folder), 'utf8')).toBe('twelve bytes');
    await (await openServerLog(folder, 11)).handle.close();
    expect(await readFile(logPath(folder), 'utf8')).toBe('');
    expect(await readFile(`${logPath(folder)}.1`, 'utf8')).toBe('twelve bytes');
  });

  it('is not written to where a link leads', async () => {
    const other = join(folder, 'somebody’s letter');
    await writeFile(other, 'Dear');
    await symlink(other, logPath(folder));
    for (const maxBytes of [1, 100]) {
      await expect(openServerLog(folder, maxBytes)).rejects.toThrow(
        `${logPath(folder)} is a link or no plain file`,
      );
    }
    await expect(readLogTail({ path: logPath(folder), offset: 0 })).rejects.toThrow('is a link');
    expect(await readFile(other, 'utf8')).toBe('Dear');
  });

  it('is not made where a link leads to nothing yet', async () => {
    await symlink(join(folder, 'nothing'), logPath(folder));
    await expect(openServerLog(folder)).rejects.toThrow('is a link');
    await expect(stat(join(folder, 'nothing'))).rejects.toThrow('ENOENT');
  });

  asRoot('is, as root, not written under a second name of somebody’s file', async () => {
    await writeFile(join(folder, 'letter'), 'Dear');
    await link(join(folder, 'letter'), logPath(folder));
    await expect(openServerLog(folder)).rejects.toThrow('is a link');
  });

  asOrdinaryUser('may, as an ordinary user, have a second name, as in a hard-linked snapshot', async () => {
    await writeFile(logPath(folder), 'earlier\n');
    await link(logPath(folder), join(folder, 'snapshot'));
    const log = await openServerLog(folder);
    await log.handle.close();
    expect(log.offset).toBe(8);
  });
});

describe('lastLines', () => {
  it('says so where there are none, because a message promises a reason', () => {
    expect(lastLines('\n')).toBe('(It wrote nothing.)');
  });

  it('keeps the last twenty', () => {
    const lines = Array.from({ length: 25 }, (_, index) => `line ${String(index + 1)}`);
    expect(lastLines(`${lines.join('\n')}\n`).split('\n')).toEqual(lines.slice(5));
  });
});
