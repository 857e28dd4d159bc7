import { readdir, readFile } from 'node:fs/promises';

/** Linux counts processor time in hundredths of a second, whatever its clock does. */
const MS_PER_TICK = 10;

interface Times {
  readonly parentPid: number;
  readonly ownMs: number;
  /** Of the children that have ended. */
  readonly childrenMs: number;
}

/** What a process has computed so far, all its threads together; null where there is no `/proc`. */
export async function processTimeMs(pid: number): Promise<number | null> {
  return (await readTimes(pid))?.ownMs ?? null;
}

/** As {@link processTimeMs}, with its children, also those that have ended. */
export async function familyTimeMs(pid: number): Promise<number | null> {
  const own = await readTimes(pid);
  if (own === null) return null;
  let sum = own.ownMs + own.childrenMs;
  for (const name of await readdir('/proc')) {
    const times = /^\d+$/.test(name) ? await readTimes(Number(name)) : null;
    if (times?.parentPid === pid) sum += times.ownMs;
  }
  return sum;
}

async function readTimes(pid: number): Promise<Times | null> {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name of the program is in parentheses and may contain anything; the third field comes after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    parentPid: field(4),
    ownMs: (field(14) + field(15)) * MS_PER_TICK,
    childrenMs: (field(16) + field(17)) * MS_PER_TICK,
  };
}
