import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transactions } from '../../src/database/transactions.js';
import { query } from '../support/database.js';
import { startTestService, type TestService } from '../support/service.js';

describe('transactions', () => {
  let service: TestService;
  let transactions: Transactions;

  beforeAll(async () => {
    service = await startTestService({ environment: { DATABASE_QUERY_TIMEOUT_MS: '500' } });
    transactions = service.app.get(Transactions, { strict: false });
    await query(
      service.database.url,
      'CREATE TABLE counters (name text PRIMARY KEY, count integer NOT NULL)',
    );
    await query(service.database.url, `INSERT INTO counters VALUES ('a', 0), ('b', 0)`);
  });
  afterAll(() => service.stop());

  const counts = async () =>
    (await query<{ count: number }>(service.database.url, 'SELECT count FROM counters ORDER BY name')).map(
      (row) => row.count,
    );

  it('are repeated after a deadlock, and take effect once', async () => {
    let arrived = 0;
    const bothHoldOne = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (arrived < 2) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    const raise = (first: string, second: string) =>
      transactions.run(async (manager) => {
        await manager.query('UPDATE counters SET count = count + 1 WHERE name = $1', [first]);
        arrived += 1;
        await bothHoldOne;
        // Postgres looks for a deadlock after a second, longer than the time limit of a statement here.
        await manager.query(`SET LOCAL deadlock_timeout = '10ms'`);
        await manager.query('UPDATE counters SET count = count + 1 WHERE name = $1', [second]);
      });
    await Promise.all([raise('a', 'b'), raise('b', 'a')]);
    expect(arrived).toBeGreaterThan(2);
    expect(await counts()).toEqual([2, 2]);
  });

  it('are not repeated after any other error, and leave nothing behind', async () => {
    const before = await counts();
    let runs = 0;
    await expect(
      transactions.run(async (manager) => {
        runs += 1;
        await manager.query('UPDATE counters SET count = 99');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(runs).toBe(1);
    expect(await counts()).toEqual(before);
  });

  it('end when a statement takes longer than its limit', async () => {
    await expect(transactions.manager.query('SELECT pg_sleep(3)')).rejects.toThrow('timeout');
  });
});
