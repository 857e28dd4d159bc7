import { type DomainError, invalidField } from './domain-error.js';
import { IDENTIFIER_PATTERN, isUuid } from './identifiers.js';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 100;

/** Which page of a list is wanted. */
export interface PageRequest {
  /** The `nextCursor` of the page before; null for the first. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page of a list, newest first. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

/** The opaque form of the time-ordered id after which the next page begins. */
export function encodeCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** @throws DomainError `validation_failed` for anything that {@link encodeCursor} did not make */
export function decodeCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (!isUuid(id) || encodeCursor(id) !== cursor) {
    throw invalidCursor();
  }
  return id;
}

/** A row in the order of its creation, where its id is the caller's and says nothing about time. */
export interface CreationKey {
  readonly createdAt: Date;
  readonly id: string;
}

/** The opaque form of a {@link CreationKey}. Its time is in milliseconds, as its column is. */
export function encodeCreationCursor({ createdAt, id }: CreationKey): string {
  return Buffer.from(`${String(createdAt.getTime())} ${id}`).toString('base64url');
}

/** @throws DomainError `validation_failed` for anything that {@link encodeCreationCursor} did not make */
export function decodeCreationCursor(cursor: string): CreationKey {
  const [, time = '', id = ''] = /^(\d{1,15}) (.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const key = { createdAt: new Date(Number(time)), id };
  if (!IDENTIFIER_PATTERN.test(id) || encodeCreationCursor(key) !== cursor) throw invalidCursor();
  return key;
}

/** The opaque form of the name after which the next page of a list by name begins. */
export function encodeNameCursor(name: string): string {
  return Buffer.from(`name ${name}`).toString('base64url');
}

/** @throws DomainError `validation_failed` for anything that {@link encodeNameCursor} did not make */
export function decodeNameCursor(cursor: string): string {
  const [, name = ''] = /^name ([^\0]+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (name === '' || encodeNameCursor(name) !== cursor) throw invalidCursor();
  return name;
}

export function invalidCursor(): DomainError {
  return invalidField('cursor', 'invalid_cursor', 'must be the next_cursor of an earlier answer');
}

/**
 * Cuts the page out of rows that were read with a limit of one more than the page holds.
 *
 * @param rows at most `limit + 1` rows, newest first
 */
export function toPage<T>(rows: readonly T[], limit: number, idOf: (row: T) => string): Page<T> {
  return toPageBy(rows, limit, (row) => encodeCursor(idOf(row)));
}

/** As {@link toPage}, with a cursor of another kind. */
export function toPageBy<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit;
  return { data, hasMore, nextCursor: hasMore && last !== undefined ? cursorOf(last) : null };
}
