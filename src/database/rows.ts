import type { EntityManager } from 'typeorm';

/**
 * Runs one statement and returns its rows; also those of `UPDATE … RETURNING`, which TypeORM hands
 * over in a pair with their number.
 *
 * @typeParam Row the columns as `pg` delivers them: bigint and numeric are text
 */
export async function queryRows<Row>(
  manager: EntityManager,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  const result = await manager.query<Row[] | [Row[], number]>(sql, [...parameters]);
  return isPairWithCount(result) ? result[0] : result;
}

function isPairWithCount<Row>(result: Row[] | [Row[], number]): result is [Row[], number] {
  return result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number';
}
