import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolders } from './folder-tree.js';
import { ENTER, findBlockingFolder, mayAccess, pathSteps, READ, userFromPasswd } from './postgres-user.js';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  'postgres-exporter:x:9:9::/:/bin/false',
  'postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash',
  'nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false',
].join('\n');
const USER = { name: 'postgres', uid: 101, gid: 104 };

describe('userFromPasswd', () => {
  it('finds the user of exactly this name', () => {
    expect(userFromPasswd(PASSWD, 'postgres')).toEqual(USER);
  });

  it('reads the nobody of macOS as the kernel does', () => {
    expect(userFromPasswd(PASSWD, 'nobody')).toEqual({ name: 'nobody', uid: 4294967294, gid: 4294967294 });
  });

  it('finds nothing where there is no such user', () => {
    expect(userFromPasswd(PASSWD, 'alice')).toBeNull();
  });
});

describe('mayAccess', () => {
  it.each([
    ['the owner by the owner’s bits alone', { uid: 101, gid: 0, mode: 0o077 }, false],
    ['the group by the group’s bits alone', { uid: 0, gid: 104, mode: 0o705 }, false],
    ['everybody else by the others’ bits', { uid: 0, gid: 0, mode: 0o705 }, true],
    ['nobody where one of the bits is missing', { uid: 0, gid: 0, mode: 0o701 }, false],
  ])('judges %s', (_, stats, expected) => {
    expect(mayAccess(stats, USER, READ | ENTER)).toBe(expected);
  });
});

describe('the way to a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'postgres-user-')));
    await chmod(folder, 0o755);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Owns nothing here and is in no group of it. */
  const stranger = { name: 'stranger', uid: 54321, gid: 54321 };

  it('is walked from the top', () => {
    expect(pathSteps('/srv/app/data')).toEqual(['/', '/srv', '/srv/app', '/srv/app/data']);
  });

  it('is blocked by the first folder that the user cannot enter', async () => {
    await mkdir(join(folder, 'closed/inner'), { recursive: true });
    await chmod(join(folder, 'closed'), 0o700);
    expect(await findBlockingFolder(join(folder, 'closed/inner'), stranger)).toBe(join(folder, 'closed'));
  });

  it('is free through folders that can be entered but not read, and past those not made yet', async () => {
    await mkdir(join(folder, 'open'));
    await chmod(join(folder, 'open'), 0o711);
    expect(await findBlockingFolder(join(folder, 'open/later/on'), stranger)).toBeNull();
  });

  it('is made with every missing step, and told which were made', async () => {
    const made = await makeFolders(join(folder, 'one/two'));
    expect(made).toEqual([join(folder, 'one'), join(folder, 'one/two')]);
    expect(await makeFolders(join(folder, 'one/two'))).toEqual([]);
  });
});
