import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
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

  describe('of a whole request', () => {
    const connectionOf = async (manager: EntityManager): Promise<number> => {
      const [row] = await manager.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
      return row!.pid;
    };

    it('are one: whatever is begun in it uses its connection and is committed with it', async () => {
      const before = await counts();
      await transactions.runRequest(async (manager) => {
        const connection = await connectionOf(manager);
        expect(await connectionOf(transactions.manager)).toBe(connection);
        expect(await transactions.run(connectionOf)).toBe(connection);
        expect(await transactions.read(connectionOf)).toBe(connection);
        await transactions.run((own) => own.query(`UPDATE counters SET count = count + 1 WHERE name = 'a'`));
        expect(await counts()).toEqual(before);
      });
      expect(await counts()).toEqual([before[0]! + 1, before[1]]);
    });

    it('are taken back as a whole', async () => {
      const before = await counts();
      await expect(
        transactions.runRequest(async () => {
          await transactions.run((own) => own.query('UPDATE counters SET count = 99'));
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      expect(await counts()).toEqual(before);
    });

    it('keep what went well when a part of them fails, and nothing of that part', async () => {
      const before = await counts();
      await transactions.runRequest(async () => {
        await transactions.run((own) => own.query(`UPDATE counters SET count = count + 1 WHERE name = 'a'`));
        const failing = transactions.run(async (own) => {
          await own.query(`UPDATE counters SET count = 99 WHERE name = 'b'`);
          await own.query('SELECT 1 / 0');
        });
        await expect(failing).rejects.toThrow('division by zero');
        // The transaction goes on: a failed statement has not spoilt it.
        expect(await connectionOf(transactions.manager)).toBeGreaterThan(0);
      });
      expect(await counts()).toEqual([before[0]! + 1, before[1]]);
    });

    it('are repeated as a whole after a serialization failure, and not in part', async () => {
      const before = await counts();
      let requests = 0;
      let parts = 0;
      await transactions.runRequest(async () => {
        requests += 1;
        await transactions.run(async (own) => {
          parts += 1;
          await own.query(`UPDATE counters SET count = count + 1 WHERE name = 'a'`);
          if (parts < 3)
            await own.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
        });
      });
      expect([requests, parts]).toEqual([3, 3]);
      expect(await counts()).toEqual([before[0]! + 1, before[1]]);
    });

    it('are not those of another request at the same time', async () => {
      const connections = await Promise.all(
        [1, 2].map(() =>
          transactions.runRequest(async (manager) => {
            await manager.query('SELECT pg_sleep(0.05)');
            return transactions.run(connectionOf);
          }),
        ),
      );
      expect(new Set(connections).size).toBe(2);
    });

    it('are over for what the request begins and ends later, and for what is detached from it', async () => {
      let late: Promise<number> = Promise.resolve(0);
      let detached: Promise<number> = Promise.resolve(0);
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      await transactions.runRequest(async (manager) => {
        const before = await counts();
        late = ended.then(async () => {
          await transactions.run((own) => own.query('UPDATE counters SET count = count + 1'));
          return connectionOf(transactions.manager);
        });
        detached = transactions.detached(() => connectionOf(transactions.manager));
        expect(await detached).not.toBe(await connectionOf(manager));
        expect(await counts()).toEqual(before);
      });
      const before = await counts();
      end();
      expect(await late).toBeGreaterThan(0);
      expect(await counts()).toEqual(before.map((count) => count + 1));
    });

    it('cannot be begun in another one', async () => {
      await expect(
        transactions.runRequest(() => transactions.runRequest(() => Promise.resolve())),
      ).rejects.toThrow('one transaction');
    });
  });

  // The last one: the connection goes on with its statement, whoever has it next.
  it('end when a statement takes longer than its limit', async () => {
    await expect(transactions.manager.query('SELECT pg_sleep(3)')).rejects.toThrow('timeout');
  });
});
