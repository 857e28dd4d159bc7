import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDirectoryLock } from './directory-lock.js';

const WAIT_MS = 10_000;
/** The pid of this process with a start that is not its own stands for a holder that is dead. */
const DEAD = `${String(process.pid)} dead-holder long-ago/1`;

describe('withDirectoryLock', () => {
  let folder: string;
  let lock: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'directory-lock-'));
    lock = join(folder, 'postgres.lock');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** How many of `count` concurrent holders were inside at once, at most. */
  async function crowd(count: number): Promise<number> {
    let inside = 0;
    let most = 0;
    const enter = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(1);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: count }, () => withDirectoryLock(lock, WAIT_MS, enter)));
    return most;
  }

  it('lets one in at a time and leaves nothing behind', async () => {
    expect(await crowd(10)).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('lets exactly one of many succeed a dead holder', async () => {
    await symlink(DEAD, lock);
    expect(await crowd(10)).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('succeeds a holder that died while it succeeded another', async () => {
    await symlink(DEAD, lock);
    await symlink(`${String(process.pid)} second long-ago/2`, `${lock}.dead-holder`);
    expect(await crowd(10)).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('clears away the links of a holder that died while it released', async () => {
    await symlink(DEAD, `${lock}.some-older-holder`);
    await crowd(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is free again after work that failed', async () => {
    const failing = withDirectoryLock(lock, WAIT_MS, () => Promise.reject(new Error('failed inside')));
    await expect(failing).rejects.toThrow('failed inside');
    expect(await crowd(1)).toBe(1);
  });

  it('names the process that keeps it for too long', async () => {
    await withDirectoryLock(lock, WAIT_MS, async () => {
      const second = withDirectoryLock(lock, 20, () => Promise.resolve());
      await expect(second).rejects.toThrow(
        `The process ${String(process.pid)} has been starting or stopping`,
      );
    });
  });

  it('refuses a file in its place that is not its own', async () => {
    await writeFile(lock, 'something else');
    const attempt = withDirectoryLock(lock, WAIT_MS, () => Promise.resolve());
    await expect(attempt).rejects.toThrow('is not a lock of this service');
  });
});
