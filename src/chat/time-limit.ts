import { createContext, Script } from 'node:vm';
import { errorCodeOf } from '../common/error-code.js';

/** Work that was stopped because it took too long. */
export class TimeLimitReached extends Error {
  constructor() {
    super('The work took longer than it may.');
    this.name = 'TimeLimitReached';
  }
}

const CONTEXT: { work: (() => unknown) | null } = { work: null };
const SCRIPT = new Script('work()');
createContext(CONTEXT);

/**
 * Does work that cannot wait for anything, and stops it after so many milliseconds wherever it is, a
 * regular expression that goes round in circles included. It costs about a millisecond, and what the
 * work has half done stays half done: it must not touch what is used again.
 *
 * @throws TimeLimitReached
 */
export function runWithin<T>(limitMs: number, work: () => T): T {
  CONTEXT.work = work;
  try {
    return SCRIPT.runInContext(CONTEXT, { timeout: limitMs }) as T;
  } catch (error) {
    throw errorCodeOf(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? new TimeLimitReached() : error;
  } finally {
    CONTEXT.work = null;
  }
}
