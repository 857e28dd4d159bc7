import { QueryFailedError } from 'typeorm';

const FOREIGN_KEY_VIOLATION = '23503';
const UNIQUE_VIOLATION = '23505';
const CHECK_VIOLATION = '23514';

/** The SQLSTATE of a failed statement, or null for any other error. */
export function sqlStateOf(error: unknown): string | null {
  return driverField(error, 'code');
}

/** Whether a statement failed on the named unique constraint or index. */
export function violatesUnique(error: unknown, constraint: string): boolean {
  return sqlStateOf(error) === UNIQUE_VIOLATION && driverField(error, 'constraint') === constraint;
}

/** Whether a statement failed on the named foreign key. */
export function violatesForeignKey(error: unknown, constraint: string): boolean {
  return sqlStateOf(error) === FOREIGN_KEY_VIOLATION && driverField(error, 'constraint') === constraint;
}

/** Whether a statement failed on the named CHECK. */
export function violatesCheck(error: unknown, constraint: string): boolean {
  return sqlStateOf(error) === CHECK_VIOLATION && driverField(error, 'constraint') === constraint;
}

function driverField(error: unknown, field: 'code' | 'constraint'): string | null {
  if (!(error instanceof QueryFailedError)) return null;
  const driverError: unknown = error.driverError;
  if (typeof driverError !== 'object' || driverError === null || !(field in driverError)) return null;
  const value = (driverError as Record<string, unknown>)[field];
  return typeof value === 'string' ? value : null;
}
