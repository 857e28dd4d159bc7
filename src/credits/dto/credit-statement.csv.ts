import { stringify } from 'csv-stringify/sync';
import type { CreditStatement } from '../credit-statement.js';

const COLUMNS = ['team_id', 'period', 'line', 'date', 'transaction_type', 'count', 'credits'] as const;

/** An example of the file, for the description of the route. */
export const STATEMENT_CSV_EXAMPLE = `${COLUMNS.join(',')}
engineering-team,2026-10,opening,2026-10-01,,,100
engineering-team,2026-10,movement,2026-10-24,deduction,1,-1
engineering-team,2026-10,closing,2026-10-31,,,99
`;

/**
 * The figures of the statement as lines: opening, one per day and type, closing. The column `credits` of all
 * lines but the last adds up to the last.
 */
export function toStatementCsv(statement: CreditStatement): string {
  const { teamId, period, interval, isFinal, opening, movements, closing } = statement;
  // The end of a month that is over is the start of the next one.
  const last = isFinal ? new Date(interval.to.getTime() - 1) : interval.to;
  const lines = [
    ['opening', dayOf(interval.from), null, null, opening.remaining],
    ...movements.map(({ day, type, count, credits }) => ['movement', day, type, count, credits]),
    ['closing', dayOf(last), null, null, closing.remaining],
  ];
  return stringify(
    lines.map((line) => [teamId, period, ...line]),
    // Text that a spreadsheet would take for a formula is quoted; numbers stay as they are.
    { header: true, columns: [...COLUMNS], escape_formulas: true },
  );
}

/** Without the signs that some file systems refuse. */
export function statementFileName({ teamId, period }: CreditStatement): string {
  return `credits-${teamId.replaceAll(/[^A-Za-z0-9._-]/g, '_')}-${period}.csv`;
}

function dayOf(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}
