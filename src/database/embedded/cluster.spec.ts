import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainFailedInitdb, findPassword, hasCluster, removeLeftovers } from './cluster.js';

/** Made by hand in the form of ours: 24 bytes in base64url. */
const PASSWORD = 'ABCDEFGHabcdefgh01234567-_-_-_-_';

describe('a cluster', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cluster-'));
    await mkdir(join(folder, 'postgres'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);

  it('is not there in an empty folder', async () => {
    expect(await hasCluster(folder)).toBe(false);
  });

  it('is ours with a password of ours beside it', async () => {
    await write('postgres/PG_VERSION', '18\n');
    await write('postgres-password', PASSWORD);
    expect(await hasCluster(folder)).toBe(true);
  });

  it('is not ours without a password', async () => {
    await write('postgres/PG_VERSION', '18\n');
    await expect(hasCluster(folder)).rejects.toThrow('is not of this service');
  });

  it('is not ours with a password that we would not make', async () => {
    await write('postgres/PG_VERSION', '18\n');
    await write('postgres-password', 'correct horse');
    await expect(hasCluster(folder)).rejects.toThrow('is not the one that this service made');
  });

  it('has no password behind a link', async () => {
    await write('other', PASSWORD);
    await symlink(join(folder, 'other'), join(folder, 'postgres-password'));
    await expect(findPassword(folder)).rejects.toThrow('is a link or no plain file');
  });

  it('has leftovers only under names of our own making', async () => {
    await mkdir(join(folder, 'postgres.new-notes'));
    await mkdir(join(folder, 'postgres.new-0b0f6c1e-1f6f-4a55-9a54-6d0d8a0f6f11'));
    expect(await removeLeftovers(folder)).toBe(true);
    expect(await removeLeftovers(folder)).toBe(false);
    expect((await readdir(folder)).sort()).toEqual(['postgres', 'postgres.new-notes']);
  });
});

describe('explainFailedInitdb', () => {
  it('says what to do for a user that the system does not know', () => {
    const detail = 'initdb: error: could not look up effective user ID 54321: user does not exist';
    expect(explainFailedInitdb(detail, '/srv/data', 54321)).toBe(
      'The embedded database cannot be created by uid 54321, which has no entry in /etc/passwd. Add one, start as a user that has one, or set DATABASE_URL to a Postgres of your own.',
    );
  });

  it('points to initdb’s own words for everything else', () => {
    expect(explainFailedInitdb('initdb: error: so it is', '/srv/data', 1)).toContain('last lines say why');
  });
});
