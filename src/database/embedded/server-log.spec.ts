import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastLines, logPath, openServerLog, readLogTail } from './server-log.js';

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
});

describe('lastLines', () => {
  it('keeps the last twenty', () => {
    const lines = Array.from({ length: 25 }, (_, index) => `line ${String(index + 1)}`);
    expect(lastLines(`${lines.join('\n')}\n`).split('\n')).toEqual(lines.slice(5));
  });
});
