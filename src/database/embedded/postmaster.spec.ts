import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classifyFailedStart } from './database-server.js';
import { findPostmaster, parsePostmasterFile } from './postmaster.js';

/** As Postgres 18 writes it: pid, folder, start, port, socket folder, address, shared memory, status. */
const file = (status: string) =>
  `4711\n/srv/data/postgres\n1763966913\n25742\n\n127.0.0.1\n  1234567    98304\n${status}\n`;

describe('parsePostmasterFile', () => {
  it('reads pid and port of a server that is ready', () => {
    expect(parsePostmasterFile(file('ready   '))).toEqual({ pid: 4711, port: 25742, isReady: true });
  });

  it.each(['starting', 'stopping'])('does not take a server that is %s for ready', (status) => {
    expect(parsePostmasterFile(file(status))?.isReady).toBe(false);
  });

  it('reads a file of which only the first lines are written yet', () => {
    expect(parsePostmasterFile('4711\n/srv/data')).toEqual({ pid: 4711, port: null, isReady: false });
  });

  it('reads the negative pid of a server in single-user mode', () => {
    expect(parsePostmasterFile('-4711\n')?.pid).toBe(4711);
  });

  it.each(['', '\n', 'rubbish\n'])('finds no server in %j', (text) => {
    expect(parsePostmasterFile(text)).toBeNull();
  });
});

describe('findPostmaster', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postmaster-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const writePid = (pid: number) => writeFile(join(folder, 'postmaster.pid'), `${String(pid)}\n`);

  it('finds none without a file', async () => {
    expect(await findPostmaster(folder)).toEqual({ state: 'none' });
  });

  it('calls the file of a dead process stale', async () => {
    await writePid(2 ** 30);
    expect(await findPostmaster(folder)).toEqual({ state: 'stale', isPidTaken: false });
  });

  it('calls the file stale whose pid another program has', async () => {
    await writePid(process.pid);
    expect(await findPostmaster(folder)).toEqual({ state: 'stale', isPidTaken: true });
  });
});

describe('classifyFailedStart', () => {
  it.each([
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'port_taken'],
    ['FATAL:  lock file "postmaster.pid" already exists', 'old_server'],
    ['FATAL:  pre-existing shared memory block (key 7, ID 8) is still in use', 'old_server'],
    ['FATAL:  could not write lock file "postmaster.pid": No space left on device', 'disk_full'],
    ['FATAL:  data directory "/x" has invalid permissions', 'other'],
    ['', 'other'],
  ])('tells from %j that it was %s', (detail, kind) => {
    expect(classifyFailedStart(detail)).toBe(kind);
  });
});
