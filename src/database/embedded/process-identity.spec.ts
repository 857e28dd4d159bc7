import { describe, expect, it } from '@jest/globals';
import { isRunning, isSameProcess, ownIdentity, startMarkFromStat } from './process-identity.js';

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

  it('knows that a pid beyond every limit is not running', async () => {
    expect(await isRunning(2 ** 30)).toBe(false);
  });
});
