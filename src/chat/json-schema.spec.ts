import { describe, expect, it } from '@jest/globals';
import { DomainError } from '../common/domain-error.js';
import { compileAnswerSchema } from './json-schema.js';

const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';
const FIELD = 'response_format.json_schema.schema';

const missOf = (schema: object, text: string): string | null =>
  compileAnswerSchema(schema).check(text).missed;

/** What a schema is refused for. */
function refusalOf(schema: object): string | null {
  try {
    compileAnswerSchema(schema);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const [first] = error.details['errors'] as { field: string; code: string; message: string }[];
    expect([error.code, first!.field, first!.code]).toEqual(['validation_failed', FIELD, 'invalid_schema']);
    return first!.message.slice(FIELD.length + 1);
  }
  return null;
}

/** A schema of schemas inside each other, with so many levels of objects. */
const nested = (levels: number): object => (levels === 1 ? {} : { not: nested(levels - 1) });

describe('an answer', () => {
  const schema = {
    type: 'object',
    properties: { items: { type: 'array', items: { type: 'object', required: ['name'] } } },
    required: ['items'],
    additionalProperties: false,
  };

  it('that meets its schema is read as JSON', () => {
    const text = ' {"items": [{"name": null}]}\n';
    expect(compileAnswerSchema(schema).check(text)).toEqual({
      parsed: { items: [{ name: null }] },
      missed: null,
    });
  });

  it.each([
    ['{"items":[{"name":1},{}]}', '"required" is not met at /items/1'],
    ['{"items":"secret"}', '"type" is not met at /items'],
    ['{}', '"required" is not met at the root'],
    ['{"items":[],"secret":1}', '"additionalProperties" is not met at the root'],
  ])('of %s is told what it misses and where, and not its value', (text, expected) => {
    expect(compileAnswerSchema(schema).check(text)).toEqual({ parsed: JSON.parse(text), missed: expected });
  });

  it.each(['', 'Sure! {"items":[]}', '```json\n{"items":[]}\n```', '{"items":['])(
    'of %j is no JSON',
    (text) => {
      expect(compileAnswerSchema(schema).check(text)).toEqual({
        parsed: null,
        missed: 'the text is not JSON',
      });
    },
  );

  it('of null is told from one that is no JSON', () => {
    expect(compileAnswerSchema({ type: 'null' }).check('null')).toEqual({ parsed: null, missed: null });
  });

  it('that nobody could write down again is not handed on', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(compileAnswerSchema({}).check(deep(100_000))).toEqual({
      parsed: null,
      missed: 'the JSON is nested too deeply',
    });
    expect(missOf({}, deep(512))).toBeNull();
    expect(missOf({}, deep(513))).toBe('the JSON is nested too deeply');
  });

  it('of long names of properties is told a short place', () => {
    const recursive = { type: 'object', additionalProperties: { $ref: '#' } };
    const name = 'n'.repeat(1_000);
    expect(missOf(recursive, JSON.stringify({ [name]: 1 }))).toBe(`"type" is not met at /${'n'.repeat(199)}`);
  });
});

describe('a schema', () => {
  it('is of draft 2020-12 where it does not say otherwise', () => {
    const prefix = { type: 'array', prefixItems: [{ type: 'number' }], items: false };
    expect(missOf(prefix, '[1]')).toBeNull();
    expect(missOf(prefix, '[1,2]')).toBe('"items" is not met at the root');
    expect(refusalOf({ items: [{ type: 'number' }] })).toMatch(/^is no JSON schema of draft 2020-12: /);
  });

  it.each([DRAFT_7, DRAFT_7.slice(0, -1), 'https://json-schema.org/draft-07/schema#'])(
    'is of draft 7 where it says %s',
    ($schema) => {
      const pair = { $schema, type: 'array', items: [{ type: 'number' }] };
      expect(missOf(pair, '["a"]')).toBe('"type" is not met at /0');
      expect(missOf({ $schema, definitions: { a: { type: 'null' } }, $ref: '#/definitions/a' }, '1')).toBe(
        '"type" is not met at the root',
      );
    },
  );

  it('may refer to itself, and to its parts by path, anchor and id', () => {
    const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } };
    expect(missOf(tree, '{"children":[{"children":[7]}]}')).toBe(
      '"type" is not met at /children/0/children/0',
    );
    const parts = { $defs: { a: { $anchor: 'part', $id: 'https://example.com/a', type: 'null' } } };
    expect(missOf({ ...parts, $ref: '#/$defs/a' }, '1')).toBe('"type" is not met at the root');
    expect(missOf({ ...parts, $ref: 'https://example.com/a#part' }, '1')).toBe(
      '"type" is not met at the root',
    );
  });

  it.each([
    ['date', '"2024-02-29"', '"2024-02-30"'],
    ['email', '"a@example.com"', '"a"'],
    ['uuid', '"123e4567-e89b-12d3-a456-426614174000"', '"123"'],
  ])('is held to the format %s', (format, sound, unsound) => {
    expect(missOf({ type: 'string', format }, sound)).toBeNull();
    expect(missOf({ type: 'string', format }, unsound)).toBe('"format" is not met at the root');
  });

  it('may have words and formats that nobody knows', () => {
    expect(missOf({ type: 'string', format: 'order-id', 'x-order': 1, example: 'a' }, '"a"')).toBeNull();
  });

  it.each<[string, object, RegExp]>([
    ['is none', { type: 'word' }, /^is no JSON schema of draft 2020-12: "enum" is not met at \/type/],
    [
      'refers to another host',
      { $ref: 'https://example.com/other' },
      /^has a \$ref that is not in it \("https:\/\/example\.com\/other"\): nothing is loaded$/,
    ],
    ['refers to nothing', { $ref: '#/$defs/a' }, /^has a \$ref that is not in it /],
    [
      'is of another draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /^must be of draft 2020-12 or 7, /,
    ],
    ['is of a draft that is no text', { $schema: 7 }, /^must be of draft 2020-12 or 7, /],
    ['has a pattern that is none', { type: 'string', pattern: '(' }, /^cannot be compiled: /],
    ['would answer later', { $async: true, type: 'string' }, /^must not be asynchronous$/],
    ['is too large', { description: 'ü'.repeat(32_768) }, /^must have at most 65536 bytes as JSON$/],
    ['is too deep', nested(49), /^must be nested at most 48 levels deep$/],
  ])('is refused if it %s', (_, schema, expected) => {
    expect(refusalOf(schema)).toMatch(expected);
  });

  it('may have 65,536 bytes and 48 levels', () => {
    const rest = 65_536 - '{"description":""}'.length;
    expect(refusalOf({ description: 'a'.repeat(rest) })).toBeNull();
    expect(refusalOf({ description: 'a'.repeat(rest + 1) })).not.toBeNull();
    expect(refusalOf(nested(48))).toBeNull();
  });

  it('cannot be reached by the schema of another client', () => {
    const own = { $id: 'https://example.com/own', $defs: { a: { $id: 'https://example.com/part' } } };
    expect(refusalOf(own)).toBeNull();
    expect(refusalOf({ $ref: 'https://example.com/own' })).toMatch(/^has a \$ref that is not in it /);
    expect(refusalOf({ $ref: 'https://example.com/part' })).toMatch(/^has a \$ref that is not in it /);
    expect(missOf({ $id: 'https://example.com/own', type: 'null' }, '1')).toBe(
      '"type" is not met at the root',
    );
  });

  it('is compiled once while it is among the last hundred that were used', () => {
    const number = (title: number): object => ({ title: `cached ${String(title)}` });
    const first = compileAnswerSchema(number(0));
    const second = compileAnswerSchema(number(1));
    for (let title = 2; title < 100; title += 1) compileAnswerSchema(number(title));
    expect(compileAnswerSchema(number(0))).toBe(first);
    compileAnswerSchema(number(100));
    expect(compileAnswerSchema(number(0))).toBe(first);
    expect(compileAnswerSchema(number(1))).not.toBe(second);
  });
});

describe('a schema that would block the service', () => {
  const doubling = (levels: number): object => {
    const twice = (level: number): object => {
      const next = { $ref: `#/$defs/level_${String(level + 1)}` };
      return { allOf: [next, next] };
    };
    const $defs = Object.fromEntries(
      Array.from({ length: levels }, (_, level) => [`level_${String(level)}`, twice(level)]),
    );
    return { $defs: { ...$defs, [`level_${String(levels)}`]: {} }, $ref: '#/$defs/level_0' };
  };

  // Without a limit each would run for longer than anybody waits, so these specs would never end.
  it.each<[string, object, string]>([
    ['a pattern', { type: 'string', pattern: '^(a+)+$' }, `"${'a'.repeat(60)}b"`],
    ['names of a pattern', { patternProperties: { '^(a+)+$': false } }, `{"${'a'.repeat(60)}b":1}`],
    ['references that double', doubling(60), '1'],
    [
      'items that must differ',
      { uniqueItems: true },
      JSON.stringify(Array.from({ length: 200_000 }, (_, index) => ({ index }))),
    ],
  ])('by %s is stopped, and its answer counts as missed', (_, schema, text) => {
    const { missed } = compileAnswerSchema(schema).check(text);
    expect(missed).toBe('the schema takes too long to check');
  });

  it('is not tried again after three times in a row', () => {
    const schema = compileAnswerSchema({ type: 'string', pattern: '^(a+)+$', title: 'three times' });
    const costly = `"${'a'.repeat(60)}b"`;
    for (let time = 0; time < 2; time += 1) schema.check(costly);
    expect(schema.check('"aa"').missed).toBeNull();
    for (let time = 0; time < 3; time += 1) schema.check(costly);
    expect(schema.check('"aa"').missed).toBe('the schema takes too long to check');
  });

  it('by referring to itself without end says so', () => {
    expect(missOf({ $ref: '#' }, '1')).toBe('the schema cannot be checked: it refers to itself without end');
  });
});
