import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PS = '/bin/ps';

/** A process as a lock remembers it: the start mark tells it from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startMark: string;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const startMark = await startMarkOf(process.pid);
  // Only a system without /proc and without ps gets here; such locks then go by the pid alone.
  return { pid: process.pid, startMark: startMark ?? 'unknown' };
}

export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  const startMark = await startMarkOf(identity.pid);
  return startMark === identity.startMark || (identity.startMark === 'unknown' && exists(identity.pid));
}

export async function isRunning(pid: number): Promise<boolean> {
  return (await startMarkOf(pid)) !== null;
}

/** Whether the kernel still knows the pid, a dead child that nobody has collected included. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * When the process started, in a form that is only good for comparing. Null where there is none, and for
 * a zombie: in a container whose first process collects no orphans, a dead server keeps its pid for ever.
 */
export async function startMarkOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return startMarkFromPs(pid);
  try {
    return startMarkFromStat(await readFile(`/proc/${String(pid)}/stat`, 'utf8'), await bootId());
  } catch {
    return null;
  }
}

/** @param stat the line of /proc/<pid>/stat; the command in it may itself hold blanks and brackets. */
export function startMarkFromStat(stat: string, boot: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (startTicks === undefined || state === 'Z' || state === 'X') return null;
  // Ticks count from the boot, so the boot belongs to the mark.
  return `${boot.trim()}/${startTicks}`;
}

/** The command line with blanks between the arguments; null where it cannot be read. */
export async function commandLineOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return ps(pid, 'command=');
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    return null;
  }
}

/** Null where it cannot be read: other users' processes, and systems without /proc. */
export async function workingFolderOf(pid: number): Promise<string | null> {
  try {
    return await readlink(`/proc/${String(pid)}/cwd`);
  } catch {
    return null;
  }
}

async function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8');
}

async function startMarkFromPs(pid: number): Promise<string | null> {
  const line = await ps(pid, 'stat=,lstart=');
  if (line === null || line.startsWith('Z')) return null;
  return line.replace(/^\S+\s+/, '');
}

async function ps(pid: number, columns: string): Promise<string | null> {
  try {
    const { stdout } = await run(PS, ['-o', columns, '-p', String(pid)], { env: { LC_ALL: 'C', TZ: 'UTC' } });
    const line = stdout.trim();
    return line === '' ? null : line;
  } catch {
    return null;
  }
}
