import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { SandboxRefusal } from './sandbox.errors.js';
import { exampleOf } from './sandbox.schema.js';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    nickname: { type: ['string', 'null'] },
  },
  required: ['name', 'age'],
  additionalProperties: false,
};

describe('a value for a schema', () => {
  it.each<[string, object]>([
    ['no words at all', {}],
    ['an object', PERSON],
    ['an object without types', { properties: { a: { type: 'number' } }, required: ['a', 'b'] }],
    ['other members', { type: 'object', required: ['x'], additionalProperties: { type: 'integer' } }],
    ['a choice', { enum: ['red', 'green', 3, null] }],
    ['a constant', { const: { fixed: [1, 2] } }],
    ['a list', { type: 'array', items: PERSON, minItems: 2, maxItems: 3 }],
    ['an empty list', { type: 'array', items: { type: 'string' }, maxItems: 0 }],
    ['a list of different things', { prefixItems: [{ type: 'integer' }, { type: 'boolean' }], items: false }],
    ['one of two', { anyOf: [{ type: 'string', maxLength: 5 }, { type: 'null' }] }],
    ['exactly one of two', { oneOf: [{ type: 'integer' }, { type: 'boolean' }] }],
    [
      'all of two',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'integer' } }, required: ['b'] },
        ],
      },
    ],
    ['a branch beside members', { type: 'object', properties: { a: {} }, anyOf: [{ required: ['a'] }] }],
    ['a reference', { $ref: '#/$defs/person', $defs: { person: PERSON } }],
    ['a reference with signs', { $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': PERSON } }],
    [
      'itself, where it may end',
      {
        type: 'object',
        properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#' } } },
        required: ['value', 'children'],
        additionalProperties: false,
      },
    ],
    ['itself, where it may be left out', { type: 'object', properties: { next: { $ref: '#' } } }],
    [
      'itself, where another branch ends',
      {
        $ref: '#/$defs/node',
        $defs: {
          node: {
            anyOf: [{ type: 'array', items: { $ref: '#/$defs/node' }, minItems: 1 }, { type: 'null' }],
          },
        },
      },
    ],
    ['a number', { type: 'number', minimum: 0.5, maximum: 0.75 }],
    ['an open number', { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }],
    ['an open whole number', { type: 'integer', exclusiveMinimum: 4, exclusiveMaximum: 6 }],
    ['a negative number', { type: 'integer', maximum: -7 }],
    ['a whole number between broken bounds', { type: 'integer', minimum: 100.5, maximum: 101.5 }],
    ['a multiple', { type: 'integer', multipleOf: 7, minimum: 15, maximum: 22 }],
    ['a long string', { type: 'string', minLength: 200, maxLength: 210 }],
    ['a short string', { type: 'string', maxLength: 1 }],
    ['an empty string', { type: 'string', maxLength: 0 }],
    ['true or false', { type: 'boolean' }],
    ['null', { type: 'null' }],
    ['null or a number', { type: ['null', 'integer'] }],
    ...['date', 'date-time', 'time', 'duration', 'email', 'uuid', 'uri', 'hostname', 'ipv4', 'ipv6'].map(
      (format): [string, object] => [`the format ${format}`, { type: 'string', format }],
    ),
  ])('fits %s', (_, schema) => {
    const validate = ajv.compile(schema);
    for (const seed of SEEDS) {
      const value = exampleOf(schema, seed);
      expect({ value, isValid: validate(value), errors: validate.errors }).toMatchObject({ isValid: true });
    }
  });

  it('has every member that a schema describes, not only the required ones', () => {
    expect(Object.keys(exampleOf(PERSON, 1) as object)).toEqual(['name', 'age', 'nickname']);
  });

  it('is the same for equal seeds and differs between others', () => {
    expect(exampleOf(PERSON, 1)).toEqual(exampleOf(PERSON, 1));
    const values = new Set(SEEDS.map((seed) => JSON.stringify(exampleOf(PERSON, seed))));
    expect(values.size).toBeGreaterThan(40);
  });

  it.each<[string, object]>([
    ['a schema that requires itself', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }],
    ['a reference to itself', { $ref: '#' }],
    ['a reference to nothing', { $ref: '#/$defs/nobody' }],
    ['a reference to another document', { $ref: 'https://example.com/schema.json' }],
    ['bounds that cross', { type: 'integer', minimum: 5, maximum: 4 }],
    ['bounds without a multiple', { type: 'integer', multipleOf: 10, minimum: 11, maximum: 19 }],
    ['lengths that cross', { type: 'string', minLength: 5, maxLength: 4 }],
    ['a million items', { type: 'array', minItems: 1_000_000 }],
    ['a member that nothing fits', { type: 'object', properties: { a: false }, required: ['a'] }],
  ])('is refused with 400 for %s', (_, schema) => {
    expect(() => exampleOf(schema, 1)).toThrow(SandboxRefusal);
  });
});
