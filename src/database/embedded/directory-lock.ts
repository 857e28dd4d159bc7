import { randomInt, randomUUID } from 'node:crypto';
import { readdir, readlink, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError, errorCodeOf } from './embedded-postgres.error.js';
import { isSameProcess, ownIdentity, type ProcessIdentity } from './process-identity.js';

interface Holder extends ProcessIdentity {
  readonly token: string;
}

/**
 * Runs `work` while no other process does so under the same lock. Held only around changes: creating,
 * starting, stopping, registering.
 *
 * The lock is a symbolic link whose target names its holder, because making a link is the one step that
 * is exclusive and writes its content at once; no reader ever sees half a lock.
 *
 * A dead holder's link is never removed by those who wait: two of them could judge it dead, and the
 * slower one would remove the lock of the faster. Instead the right to succeed holder T is a lock itself,
 * `<lock>.T`, and so on; whoever is alive at the end of that chain holds the lock. Only it removes the
 * chain, the first link first. A newcomer that created the end of a chain therefore looks whether the
 * first link is still the one it walked from; if not, the chain was released under it and it starts over.
 *
 * @throws EmbeddedPostgresError when another process keeps the lock for longer than `waitMs`
 */
export async function withDirectoryLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const chain = await acquire(path, waitMs);
  try {
    return await work();
  } finally {
    for (const link of chain) await removeLink(link);
  }
}

async function acquire(path: string, waitMs: number): Promise<string[]> {
  const self: Holder = { ...(await ownIdentity()), token: randomUUID() };
  const deadline = Date.now() + waitMs;
  for (;;) {
    const { chain, holder, first } = await walk(path);
    if (holder !== null) {
      if (Date.now() > deadline) throw keptTooLong(path, holder);
      await sleep(randomInt(10, 30));
      continue;
    }
    const end = chain.at(-1) ?? path;
    if (!(await createLink(end, self))) continue;
    if (end === path || (await readHolder(path))?.token === first) {
      await removeForgotten(path, chain);
      return chain;
    }
    await removeLink(end);
  }
}

/** The chain as it stands: the living holder at its end, or the name of the link that is to be made. */
async function walk(path: string): Promise<{ chain: string[]; holder: Holder | null; first: string | null }> {
  const chain: string[] = [];
  let first: string | null = null;
  for (let name = path; ;) {
    chain.push(name);
    const holder = await readHolder(name);
    if (holder === null) return { chain, holder: null, first };
    if (await isSameProcess(holder)) return { chain, holder, first };
    first ??= holder.token;
    name = `${path}.${holder.token}`;
  }
}

/** A holder that was killed between its unlinks leaves links that no chain leads to any more. */
async function removeForgotten(path: string, chain: readonly string[]): Promise<void> {
  for (const entry of await readdir(dirname(path))) {
    const link = join(dirname(path), entry);
    if (entry.startsWith(`${basename(path)}.`) && !chain.includes(link)) await removeLink(link);
  }
}

async function createLink(path: string, holder: Holder): Promise<boolean> {
  try {
    await symlink([holder.pid, holder.token, holder.startMark].join(' '), path);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return parseHolder(await readlink(path));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    if (errorCodeOf(error) !== 'EINVAL') throw error;
    throw new EmbeddedPostgresError(`${path} is not a lock of this service. Move it away and start again.`);
  }
}

function parseHolder(target: string): Holder {
  const [pid = '', token = '', ...startMark] = target.split(' ');
  return { pid: Number(pid), token, startMark: startMark.join(' ') };
}

async function removeLink(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
  }
}

function keptTooLong(path: string, holder: Holder): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The process ${String(holder.pid)} has been starting or stopping the database in ${dirname(path)} for too long. Wait for it or end it, then start again.`,
  );
}
