import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseUsersFile, parseUsers, type DatabaseUser } from './database-users.js';
import { ownIdentity } from './process-identity.js';

describe('DatabaseUsersFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'database-users-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const living = async (id: string): Promise<DatabaseUser> => ({
    ...(await ownIdentity()),
    id,
    mode: 'attach',
  });
  const dead: DatabaseUser = { pid: process.pid, startMark: 'an earlier boot/1', id: 'dead', mode: 'own' };

  it('starts with nobody', async () => {
    expect(await new DatabaseUsersFile(folder).readLiving()).toEqual({ stopWhenUnused: false, users: [] });
  });

  it('gives back who is alive and leaves out who is not', async () => {
    const file = new DatabaseUsersFile(folder);
    const user = await living('one');
    await file.write({ stopWhenUnused: true, users: [dead, user] });
    expect(await file.readLiving()).toEqual({ stopWhenUnused: true, users: [user] });
  });

  it('leaves no file where there is nobody', async () => {
    const file = new DatabaseUsersFile(folder);
    await file.write({ stopWhenUnused: false, users: [await living('one')] });
    await file.write({ stopWhenUnused: false, users: [] });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('parseUsers', () => {
  it.each(['', '{', '[]', 'null', '{"users": 1}'])('finds nobody in %j', (text) => {
    expect(parseUsers(text)).toEqual({ stopWhenUnused: false, users: [] });
  });

  it('passes over entries it does not understand', () => {
    const user = { id: 'a', pid: 1, startMark: 'b/1', mode: 'own' };
    expect(parseUsers(JSON.stringify({ users: [user, { pid: 2 }, null] })).users).toEqual([user]);
  });
});
