import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DomainError } from './domain-error.js';
import { isUuid } from './identifiers.js';
import { decodeCursor, decodeNameCursor, encodeCursor, encodeNameCursor, toPage } from './pagination.js';

const ID = '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11';
/** The 16 bytes of {@link ID} by `base64` of GNU coreutils, in the alphabet of URLs, without padding. */
const CURSOR = 'AZqxwn0ufDqfACsfbwydEQ';

function refusalOf(cursor: string): DomainError | null {
  try {
    decodeCursor(cursor);
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

describe('a cursor', () => {
  it('is the id, opaque and fit for a URL', () => {
    expect(encodeCursor(ID)).toBe(CURSOR);
    expect(decodeCursor(CURSOR)).toBe(ID);
  });

  it('gives back every id that went into it', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(encodeCursor(id)).toMatch(/^[\w-]{22}$/);
        expect(decodeCursor(encodeCursor(id))).toBe(id);
      }),
    );
  });

  it.each([
    '',
    'x',
    '1',
    ID,
    `${CURSOR}=`,
    `${CURSOR}==`,
    `${CURSOR} `,
    `${CURSOR}A`,
    CURSOR.slice(0, -1),
    // The last character carries four spare bits: of its 16 writings only one is ours.
    `${CURSOR.slice(0, -1)}R`,
    'AZqxwn0ufDqfACsfbwyd+Q',
    'é'.repeat(22),
    'A'.repeat(1_000),
  ])('that is %j is a bad field, not a fault', (cursor) => {
    const refusal = refusalOf(cursor);

    expect([refusal?.kind, refusal?.code]).toEqual(['invalid', 'validation_failed']);
    expect(refusal?.details).toEqual({
      errors: [
        {
          field: 'cursor',
          code: 'invalid_cursor',
          message: 'cursor must be the next_cursor of an earlier answer',
        },
      ],
    });
  });

  it('of any text is an id or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        if (refusalOf(text) === null) expect(isUuid(decodeCursor(text))).toBe(true);
      }),
    );
  });
});

describe('a page', () => {
  const rows = ['00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000002', ID];
  const same = (id: string): string => id;

  it('of fewer rows than its limit is the last one', () => {
    expect(toPage(rows, 4, same)).toEqual({ data: rows, hasMore: false, nextCursor: null });
  });

  it('of as many rows as its limit is the last one', () => {
    expect(toPage(rows, 3, same)).toEqual({ data: rows, hasMore: false, nextCursor: null });
  });

  it('of one row more leaves that one out and goes on after the last one shown', () => {
    const page = toPage(rows, 2, same);

    expect(page.data).toEqual(rows.slice(0, 2));
    expect(page.hasMore).toBe(true);
    expect(decodeCursor(page.nextCursor!)).toBe(rows[1]);
  });

  it('of nothing is empty', () => {
    expect(toPage([], 50, same)).toEqual({ data: [], hasMore: false, nextCursor: null });
  });

  it('after page shows every row once, in order', () => {
    const ids = fc.uniqueArray(fc.uuid(), { maxLength: 30 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 10 }), (all, limit) => {
        const shown: string[] = [];
        let start = 0;
        for (let hasMore = true; hasMore;) {
          const page = toPage(all.slice(start, start + limit + 1), limit, same);
          shown.push(...page.data);
          hasMore = page.hasMore;
          start = page.nextCursor === null ? start : all.indexOf(decodeCursor(page.nextCursor)) + 1;
        }
        expect(shown).toEqual(all);
      }),
    );
  });
});

describe('a cursor over names', () => {
  it('gives back every name that went into it', () => {
    for (const name of ['a', 'a/b c', '日本語', '😀'.repeat(128), 'line\nbreak']) {
      expect(encodeNameCursor(name)).toMatch(/^[\w-]{1,704}$/);
      expect(decodeNameCursor(encodeNameCursor(name))).toBe(name);
    }
  });

  it.each(['', '!', 'AAAA', 'nonsense', CURSOR, `${encodeNameCursor('a')}=`, encodeNameCursor('a\0b')])(
    'that is %j is a bad field',
    (cursor) => {
      expect(() => decodeNameCursor(cursor)).toThrow(DomainError);
    },
  );
});
