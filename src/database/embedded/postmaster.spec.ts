import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { classifyFailedStart, LOCK_WAIT_MS } from './database-server.js';
import { findPostmaster, isPostmasterOf, parsePostmasterFile, stopPostmaster } from './postmaster.js';

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

describe('isPostmasterOf', () => {
  const cluster = '/srv/data/postgres';
  const ours = `/x/bin/postgres -D ${cluster} -p 1`;

  it.each([
    ['our command line where the working folder is not shown', ours, null, true],
    ['another program', 'vim notes', cluster, false],
    ['a server by hand, by its working folder', 'postgres -D .', cluster, true],
    ['the server of another folder', `postgres -D ${cluster}-old -p 1`, `${cluster}-old`, false],
    ['neither, where a Postgres does not show its working folder', 'postgres -D .', null, null],
    ['neither, where nothing is shown', null, null, null],
  ])('recognises %s', (_, command, workingFolder, expected) => {
    expect(isPostmasterOf(cluster, command, workingFolder)).toBe(expected);
  });
});

describe('stopPostmaster', () => {
  let folder: string;
  let child: ChildProcess;

  /** A stand-in that looks like the server and does this at SIGINT. */
  async function launch(atSigint: string): Promise<void> {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'postmaster-')));
    const script = `trap '${atSigint}' INT; : > ready; while :; do sleep 0.02; done`;
    const args = ['-c', script, 'sh', '-D', folder, '-p', '1'];
    child = spawn('/bin/sh', args, { argv0: '/x/bin/postgres', cwd: folder, stdio: 'ignore' });
    await writeFile(join(folder, 'postmaster.pid'), `${String(child.pid)}\n`);
    while (
      await access(join(folder, 'ready')).then(
        () => false,
        () => true,
      )
    )
      await sleep(5);
  }
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  });

  it('stops one that takes too long at once', async () => {
    await launch(':');
    await stopPostmaster(folder, 50);
    expect(child.signalCode).toBe('SIGQUIT');
  });

  it('looks again before that, and leaves alone what is no longer the server', async () => {
    await launch('rm postmaster.pid');
    await stopPostmaster(folder, 200);
    await sleep(50);
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  });
});

describe('the wait for the lock', () => {
  it('outlasts a shutdown, old processes, a recovery and a stop: 60, 20, 60 and 30 seconds', () => {
    expect(LOCK_WAIT_MS).toBeGreaterThan(170_000);
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
