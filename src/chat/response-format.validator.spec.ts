import { describe, expect, it } from '@jest/globals';
import { findResponseFormatProblem } from './response-format.validator.js';

const described = (more: object = {}): object => ({
  type: 'json_schema',
  json_schema: { name: 'order', schema: { type: 'object' }, ...more },
});

describe('the form of an answer', () => {
  it.each([
    { type: 'text' },
    { type: 'json_object' },
    { type: 'json_object', json_schema: null },
    described(),
    described({ description: 'An order', strict: true }),
    described({ description: null, strict: null }),
    described({ schema: {} }),
  ])('may be %j', (format) => {
    expect(findResponseFormatProblem(format)).toBeNull();
  });

  it.each<[unknown, string]>([
    ['json_object', 'response_format must be an object with a type'],
    [[], 'response_format must be an object with a type'],
    [{}, 'response_format.type must be one of text, json_object, json_schema'],
    [{ type: 'grammar' }, 'response_format.type must be one of text, json_object, json_schema'],
    [{ type: 'text', schema: {} }, 'response_format.schema is not a field of a response format'],
    [
      { type: 'json_object', json_schema: {} },
      'response_format.json_schema goes with the type json_schema only',
    ],
    [{ type: 'json_schema' }, 'response_format.json_schema must be an object with name and schema'],
    [
      described({ name: 'an order' }),
      'response_format.json_schema.name must be 1 to 64 letters, digits, "_" or "-"',
    ],
    [described({ schema: null }), 'response_format.json_schema.schema must be a JSON schema object'],
    [described({ schema: true }), 'response_format.json_schema.schema must be a JSON schema object'],
    [described({ schema: { title: '\ud800' } }), 'response_format.json_schema.schema holds broken Unicode'],
    [described({ strict: 1 }), 'response_format.json_schema.strict must be true or false'],
    [described({ description: 1 }), 'response_format.json_schema.description must be text'],
    [described({ version: 1 }), 'response_format.json_schema.version is not a field of a described schema'],
  ])('is not %j', (format, expected) => {
    expect(findResponseFormatProblem(format)).toBe(expected);
  });
});
