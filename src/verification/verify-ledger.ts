import type { EntityManager } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { LEDGER_CHECKS } from './ledger-checks.js';

/** Differences listed per check; more of the same would not tell more. */
const MAX_DIFFERENCES_PER_CHECK = 100;

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
 * @param manager in a transaction of isolation `REPEATABLE READ`
 * @returns at most 100 differences per check; none if the books are right
 */
export async function verifyLedger(manager: EntityManager): Promise<LedgerDifference[]> {
  const differences: LedgerDifference[] = [];
  for (const { name, finding, sql } of LEDGER_CHECKS) {
    const rows = await queryRows<{ team_id: string; id: string; expected: string; found: string }>(
      manager,
      `${sql} LIMIT ${String(MAX_DIFFERENCES_PER_CHECK)}`,
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
