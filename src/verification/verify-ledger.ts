import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { LEDGER_CHECKS } from './ledger-checks.js';

/** Differences listed per check; more of the same would not tell more. */
export const MAX_DIFFERENCES_PER_CHECK = 100;

/** For the sorts and hashes of one check; the pool's own value is meant for requests. */
const WORK_MEMORY = '64MB';

export interface LedgerDifference {
  readonly check: string;
  readonly finding: string;
  readonly teamId: string;
  readonly id: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * Derives every balance, grant, hold, charge and total again and compares. Reads one snapshot, so it may
 * run beside a working service.
 *
 * @param manager in a transaction of isolation `REPEATABLE READ`, in which some settings are changed
 * @param limits the longest time of one check, and what ends the verification between two of them
 * @returns at most 100 differences per check; none if the books are right
 */
export async function verifyLedger(
  manager: EntityManager,
  { timeoutMs = 0, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<LedgerDifference[]> {
  await queryRows(
    manager,
    `SELECT set_config('work_mem', $1, true), set_config('jit', 'off', true), set_config('statement_timeout', $2, true)`,
    [WORK_MEMORY, String(timeoutMs)],
  );
  const differences: LedgerDifference[] = [];
  for (const { name, finding, sql } of LEDGER_CHECKS) {
    signal?.throwIfAborted();
    // Materialized, or the limit would make the planner look for the first rows row by row, and sound books
    // have none.
    const rows = await queryRows<{ team_id: string; id: string; expected: string; found: string }>(
      manager,
      `WITH differences AS MATERIALIZED (${sql})
       SELECT * FROM differences LIMIT ${String(MAX_DIFFERENCES_PER_CHECK)}`,
    );
    for (const row of rows) {
      differences.push({
        check: name,
        finding,
        teamId: row.team_id,
        id: row.id,
        expected: row.expected,
        found: row.found,
      });
    }
  }
  return differences;
}
