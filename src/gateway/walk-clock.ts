import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance of the walk, so that tests can have both in hand. */
export interface WalkClock {
  /** Milliseconds that never run backwards. */
  now(): number;
  /** From 0 to 1, without 1. */
  random(): number;
  /** Ends early when the signal is aborted, and does not throw then. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export const WALK_CLOCK = Symbol('WALK_CLOCK');

const RANDOM_STEPS = 2 ** 32;

export const SYSTEM_WALK_CLOCK: WalkClock = {
  now: () => performance.now(),
  random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
  pause: async (ms, signal) => {
    try {
      await sleep(ms, undefined, { signal });
    } catch {
      // Aborted: whoever waits looks at the signal.
    }
  },
};
