import { setTimeout as sleep } from 'node:timers/promises';
import { toFault } from '../common/fault.js';

export interface Patience {
  /** From the first try on; the last one may end later. */
  readonly maxMs: number;
  /** Between two tries. */
  readonly pauseMs: number;
}

/**
 * Does work again while the database cannot be had: what finds no connection has not happened. Any other error
 * goes through at once, because nobody knows what has happened then.
 */
export async function whenDatabaseIsThere<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patience.maxMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isAway = toFault(error).code === 'database_unavailable';
      if (!isAway || performance.now() + patience.pauseMs >= deadline) throw error;
      await sleep(patience.pauseMs);
    }
  }
}
