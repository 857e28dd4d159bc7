import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { onLinux } from '../support/conditional.js';
import {
  findProcess,
  isRunning,
  isSameProcess,
  ownIdentity,
  startMarkFromStat,
} from '../../src/database/embedded/process-identity.js';

/** The fields after the command: state, 18 fields that do not matter, the start in ticks. */
const rest = (state: string, ticks: number) => `${state}${' 7'.repeat(18)} ${String(ticks)} 0 0`;

describe('startMarkFromStat', () => {
  it('joins the boot and the start, which a reused pid does not share', () => {
    expect(startMarkFromStat(`42 (node) ${rest('S', 1234)}`, 'boot-a\n')).toBe('boot-a/1234');
  });

  it('is not misled by a command with blanks and brackets', () => {
    expect(startMarkFromStat(`42 (a) S 1 (b) ${rest('R', 99)}`, 'boot')).toBe('boot/99');
  });

  it('takes a zombie for dead', () => {
    expect(startMarkFromStat(`42 (postgres) ${rest('Z', 1234)}`, 'boot')).toBeNull();
  });
});

describe('isSameProcess', () => {
  it('knows this process', async () => {
    expect(await isSameProcess(await ownIdentity())).toBe(true);
  });

  it('does not take a later process with the same pid for the earlier one', async () => {
    expect(await isSameProcess({ pid: process.pid, startMark: 'an earlier boot/1' })).toBe(false);
  });

  it('goes by the pid where a start was not known', async () => {
    expect(await isSameProcess({ pid: process.pid, startMark: 'unknown' })).toBe(true);
    expect(await isSameProcess({ pid: 2 ** 30, startMark: 'unknown' })).toBe(false);
  });

  it('knows that a pid beyond every limit is not running', async () => {
    expect(await isRunning(2 ** 30)).toBe(false);
  });
});

onLinux('findProcess on Linux', () => {
  const refusal = (code: string) => Object.assign(new Error(code), { code });
  /** A system that answers with this error for files of this name, and as usual for all others. */
  const refusing = (name: string, code: string) => (path: string) =>
    path.endsWith(name) ? Promise.reject(refusal(code)) : readFile(path, 'utf8');

  it.each(['EMFILE', 'ENFILE'])('does not take a process for dead because of its own %s', async (code) => {
    await expect(findProcess(process.pid, refusing('/stat', code))).rejects.toThrow(code);
    await expect(findProcess(process.pid, refusing('/boot_id', code))).rejects.toThrow(code);
  });

  it('tells processes apart by their start where the boot cannot be read', async () => {
    const found = await findProcess(process.pid, refusing('/boot_id', 'EACCES'));
    expect(found?.startMark).toMatch(/^\/\d+$/);
  });

  it('goes by the pid where /proc is missing', async () => {
    const withoutProc = () => Promise.reject(refusal('ENOENT'));
    expect(await findProcess(process.pid, withoutProc)).toEqual({ pid: process.pid, startMark: 'unknown' });
    expect(await findProcess(2 ** 30, withoutProc)).toBeNull();
    expect(await findProcess(0, withoutProc)).toBeNull();
  });
});
