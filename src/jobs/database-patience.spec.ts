import { describe, expect, it } from '@jest/globals';
import { callInterrupted } from '../common/general.errors.js';
import { whenDatabaseIsThere } from './database-patience.js';

const PATIENCE = { maxMs: 10_000, pauseMs: 1 };
/** What the pool says when all its connections are in use for too long. */
const POOL_IS_BUSY = new Error('timeout exceeded when trying to connect');

/** Fails with these errors one after the other, and then succeeds. */
function failing(...errors: readonly Error[]) {
  let tries = 0;
  return {
    get tries() {
      return tries;
    },
    work: () => {
      const error = errors[tries];
      tries += 1;
      return error === undefined ? Promise.resolve('done') : Promise.reject(error);
    },
  };
}

describe('work that finds no connection to the database', () => {
  it('is done again until it finds one', async () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const busy = failing(POOL_IS_BUSY, refused);
    expect(await whenDatabaseIsThere(PATIENCE, busy.work)).toBe('done');
    expect(busy.tries).toBe(3);
  });

  it('is given up when the time is over', async () => {
    const busy = failing(POOL_IS_BUSY, POOL_IS_BUSY);
    await expect(whenDatabaseIsThere({ maxMs: 0, pauseMs: 1 }, busy.work)).rejects.toBe(POOL_IS_BUSY);
    expect(busy.tries).toBe(1);
  });

  it.each([
    ['refused on purpose', callInterrupted()],
    ['lost in the middle', Object.assign(new Error('read'), { code: 'ECONNRESET' })],
  ])('is not done again once it was %s', async (_, error) => {
    const work = failing(error);
    await expect(whenDatabaseIsThere(PATIENCE, work.work)).rejects.toBe(error);
    expect(work.tries).toBe(1);
  });
});
