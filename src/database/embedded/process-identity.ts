import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorCodeOf } from './embedded-postgres.error.js';

const run = promisify(execFile);
const PS = '/bin/ps';

/** The mark of a process that exists but does not show its start, as where /proc is not mounted. */
const UNKNOWN = 'unknown';

/** What the system says of a process that has ended, or that it hides from this user. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** A process as a lock remembers it: the start mark tells it from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Only good for comparing. */
  readonly startMark: string;
}

type ReadText = (path: string) => Promise<string>;

const readText: ReadText = (path) => readFile(path, 'utf8');

export async function ownIdentity(): Promise<ProcessIdentity> {
  return (await findProcess(process.pid)) ?? { pid: process.pid, startMark: UNKNOWN };
}

/**
 * The process that has the pid. Null where there is none, and for a zombie: in a container whose first
 * process collects no orphans, a dead server keeps its pid for ever.
 * @throws what keeps this process from looking, such as too many open files: to take the other one for
 * dead because of that would take its lock and its server from it
 */
export async function findProcess(pid: number, read: ReadText = readText): Promise<ProcessIdentity | null> {
  if (process.platform !== 'linux') return findByPs(pid);
  const stat = await ifShown(read(`/proc/${String(pid)}/stat`));
  if (stat === null) return existing(pid);
  const startMark = startMarkFromStat(stat, (await ifShown(read('/proc/sys/kernel/random/boot_id'))) ?? '');
  return startMark === null ? null : { pid, startMark };
}

/** Where a start is unknown, the pid alone decides: to take a living process for dead is the worse mistake. */
export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  const found = await findProcess(identity.pid);
  if (found === null) return false;
  const marks = [found.startMark, identity.startMark];
  return marks[0] === marks[1] || marks.includes(UNKNOWN);
}

export async function isRunning(pid: number): Promise<boolean> {
  return (await findProcess(pid)) !== null;
}

/** Whether the kernel still knows the pid, a dead child that nobody has collected included. */
export function exists(pid: number): boolean {
  // Zero and negative numbers mean groups of processes.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === 'EPERM';
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

/** The command line with blanks between the arguments; null where it is not shown. */
export async function commandLineOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return ps(pid, 'command=');
  const text = await ifShown(readText(`/proc/${String(pid)}/cmdline`));
  return text?.replaceAll('\0', ' ') ?? null;
}

/** Null where it is not shown: other users' processes, and systems without /proc. */
export async function workingFolderOf(pid: number): Promise<string | null> {
  return ifShown(readlink(`/proc/${String(pid)}/cwd`));
}

async function findByPs(pid: number): Promise<ProcessIdentity | null> {
  const line = await ps(pid, 'stat=,lstart=');
  if (line === null) return existing(pid);
  return line.startsWith('Z') ? null : { pid, startMark: line.replace(/^\S+\s+/, '') };
}

function existing(pid: number): ProcessIdentity | null {
  return exists(pid) ? { pid, startMark: UNKNOWN } : null;
}

async function ifShown(reading: Promise<string>): Promise<string | null> {
  try {
    return await reading;
  } catch (error) {
    if (NOT_SHOWN.has(errorCodeOf(error) ?? '')) return null;
    throw error;
  }
}

async function ps(pid: number, columns: string): Promise<string | null> {
  const options = { env: { LC_ALL: 'C', TZ: 'UTC' } };
  try {
    const { stdout } = await run(PS, ['-ww', '-o', columns, '-p', String(pid)], options);
    const line = stdout.trim();
    return line === '' ? null : line;
  } catch (error) {
    // A number is the exit code with which ps says that there is no such process.
    const code = errorCodeOf(error);
    if (code === null || NOT_SHOWN.has(code)) return null;
    throw error;
  }
}
