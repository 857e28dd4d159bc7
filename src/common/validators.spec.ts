import { describe, expect, it } from '@jest/globals';
import { IsOptional } from 'class-validator';
import { DomainError, type FieldError } from './domain-error.js';
import { createValidationPipe } from './validation.pipe.js';
import {
  IsDecimalNumber,
  IsIdentifier,
  IsInstant,
  IsMetadata,
  IsStoredText,
  LowerCase,
  MAX_METADATA_BYTES,
} from './validators.js';

class Request {
  @IsOptional()
  @IsIdentifier()
  id?: string;

  @IsOptional()
  @IsStoredText(4)
  text?: string;

  @IsOptional()
  @IsMetadata()
  metadata?: object;

  @IsOptional()
  @IsInstant()
  instant?: string;

  @IsOptional()
  @LowerCase()
  @IsStoredText(16)
  word?: string;

  @IsOptional()
  @IsDecimalNumber(6)
  rate?: number;
}

async function errorsOf(request: object): Promise<FieldError[]> {
  try {
    await createValidationPipe().transform(request, { type: 'body', metatype: Request });
  } catch (error) {
    if (error instanceof DomainError) return error.details['errors'] as FieldError[];
    throw error;
  }
  return [];
}

async function codesOf(request: object): Promise<string[]> {
  return (await errorsOf(request)).map(({ code }) => code);
}

describe('an id chosen by the caller', () => {
  it.each(['a', '7', 'acme-corp', 'a.b_c-d:e@f', 'A'.repeat(128), 'john@acme.com'])(
    'may be %s',
    async (id) => {
      expect(await codesOf({ id })).toEqual([]);
    },
  );

  it.each([
    '',
    ' ',
    'A'.repeat(129),
    '-a',
    '.a',
    '_a',
    ':a',
    '@a',
    'a b',
    'a/b',
    '../a',
    'a%20b',
    'é',
    'a\n',
    'a\0',
    'a#b',
    7,
    true,
    {},
    ['a'],
  ])('may not be %j', async (id) => {
    expect(await codesOf({ id })).toEqual(['matches']);
  });
});

describe('a stored text', () => {
  it.each(['a', 'abcd', ' ', 'äöü', '\n', '日本語', '🙂🙂', 'e\u0301'])('may be %j', async (text) => {
    expect(await codesOf({ text })).toEqual([]);
  });

  it('may have as many characters as Postgres counts, also outside of the basic plane', async () => {
    expect(await codesOf({ text: '🙂🙂🙂🙂' })).toEqual([]);
    expect(await codesOf({ text: '🙂🙂🙂🙂🙂' })).toEqual(['max_length']);
  });

  it('counts a variation selector, as Postgres does: varchar(4) holds two of these hearts, not four', async () => {
    // U+2764 U+FE0F: char_length('❤️') is 2 in Postgres.
    expect(await codesOf({ text: '\u2764\ufe0f\u2764\ufe0f' })).toEqual([]);
    expect(await codesOf({ text: '\u2764\ufe0f\u2764\ufe0f\u2764\ufe0f\u2764\ufe0f' })).toEqual([
      'max_length',
    ]);
  });

  it.each<[unknown, string]>([
    ['', 'min_length'],
    ['abcde', 'max_length'],
    [7, 'is_string'],
    [false, 'is_string'],
    [{}, 'is_string'],
    [['a'], 'is_string'],
    ['a\0b', 'is_storable'],
    ['a\ud83d', 'is_storable'],
    ['\ude42a', 'is_storable'],
  ])('may not be %j: %s', async (text, code) => {
    expect(await codesOf({ text })).toEqual([code]);
  });
});

describe('metadata', () => {
  it.each([
    {},
    { document_id: 'doc_12345' },
    { nested: { list: [1, 'two', null, true, { three: 3 }] } },
    { 'any key at all': '🙂', '': 0 },
  ])('may be %j', async (metadata) => {
    expect(await codesOf({ metadata })).toEqual([]);
  });

  it('may be 16 KiB large, counted in bytes of JSON', async () => {
    // {"a":"…"} is 8 bytes around the text; é is two bytes.
    const room = MAX_METADATA_BYTES - 8;

    expect(MAX_METADATA_BYTES).toBe(16 * 1024);
    expect(await codesOf({ metadata: { a: 'x'.repeat(room) } })).toEqual([]);
    expect(await codesOf({ metadata: { a: 'x'.repeat(room + 1) } })).toEqual(['is_metadata']);
    expect(await codesOf({ metadata: { a: 'é'.repeat(room / 2) } })).toEqual([]);
    expect(await codesOf({ metadata: { a: 'é'.repeat(room / 2 + 1) } })).toEqual(['is_metadata']);
  });

  it.each([
    [[]],
    ['text'],
    [7],
    [true],
    [{ a: '\0' }],
    [{ '\0': 1 }],
    [{ a: ['x', { b: 'y\0' }] }],
    [{ a: '\ud800' }],
    [{ '\udfff': 1 }],
  ])('may not be %j', async (metadata) => {
    expect(await errorsOf({ metadata })).toEqual([
      {
        field: 'metadata',
        code: 'is_metadata',
        message:
          'metadata must be a JSON object of at most 16384 bytes without NUL characters or broken Unicode',
      },
    ]);
  });
});

describe('an instant in a request', () => {
  it.each(['2026-11-24', '2026-11-24T09:30:00Z', '2026-11-24T09:30:00.123+01:00'])(
    'may be %s',
    async (instant) => {
      expect(await codesOf({ instant })).toEqual([]);
    },
  );

  it.each(['', 'yesterday', '2026-02-30', '2026-11-24T09:30:00', 1795512600000, true, ['2026-11-24']])(
    'may not be %j',
    async (instant) => {
      expect(await errorsOf({ instant })).toEqual([
        {
          field: 'instant',
          code: 'is_instant',
          message:
            'instant must be an ISO 8601 instant such as 2026-11-24T09:30:00Z, or a day such as 2026-11-24',
        },
      ]);
    },
  );
});

describe('a word in any case', () => {
  it('is taken in lower case', async () => {
    const request: unknown = await createValidationPipe().transform(
      { word: 'COMPLETED' },
      { type: 'body', metatype: Request },
    );
    expect(request).toEqual({ word: 'completed' });
  });

  it('is left alone where it is no text, for the next check to refuse', async () => {
    expect(await codesOf({ word: 7 })).toEqual(['is_string']);
  });
});

describe('a number of at most 6 decimals', () => {
  it.each([0, 10, -3.5, 0.000001, 1e-6, 123456.654321, 1e21])('may be %s', async (rate) => {
    expect(await codesOf({ rate })).toEqual([]);
  });

  it.each([1e-7, 1.5e-7, 1.0000001, 0.1234567, NaN, Infinity, '1', true, []])(
    'may not be %p',
    async (rate) => {
      expect(await codesOf({ rate })).toEqual(['is_number']);
    },
  );
});
