import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { Transactions } from '../../src/database/transactions.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';

describe('a statement that takes longer than its limit', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let transactions: Transactions;

  beforeAll(async () => {
    database = await createTestDatabase();
    await query(database.url, 'CREATE TABLE marks (name text PRIMARY KEY)');
    dataSource = new DataSource(dataSourceOptions({ url: database.url, poolSize: 1, queryTimeoutMs: 400 }));
    await dataSource.initialize();
    transactions = new Transactions(dataSource);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const marks = async () =>
    (await query<{ name: string }>(database.url, 'SELECT name FROM marks ORDER BY name')).map(
      ({ name }) => name,
    );

  it('takes its transaction with it, and nobody else works in what is left of it', async () => {
    await expect(
      transactions.run(async (manager) => {
        await manager.query(`INSERT INTO marks VALUES ('half')`);
        // Longer than the limit of this statement and that of the rollback after it, not that of a third.
        await manager.query('SELECT pg_sleep(1)');
        await manager.query(`INSERT INTO marks VALUES ('other half')`);
      }),
    ).rejects.toThrow('timeout');

    // The pool has one connection: the next transaction must not get the one that still sleeps.
    await transactions.run((manager) => manager.query(`INSERT INTO marks VALUES ('whole')`));
    expect(await marks()).toEqual(['whole']);
  });

  it('does not keep the connection from the next statement', async () => {
    await expect(transactions.manager.query('SELECT pg_sleep(1)')).rejects.toThrow('timeout');
    expect(await transactions.manager.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
