// Finds every example of the contract and says which of them are wrong.
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { below, dereference, operationsOf } from './document.mjs';

const DOCUMENT_ID = 'contract';

/** Keywords that OpenAPI adds to JSON Schema and that check nothing. */
const ANNOTATIONS = ['example', 'discriminator', 'xml', 'externalDocs'];

/** Keywords below which schemas lie: one, a list, or one for each name. */
const ONE_SCHEMA = [
  'items',
  'additionalProperties',
  'not',
  'contains',
  'propertyNames',
  'if',
  'then',
  'else',
];
const SCHEMA_LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const SCHEMA_MAPS = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];

/** What `example` and `examples` of a media type, a parameter or a header give. */
function namedExamples(document, holder, pointer) {
  const found = [];
  if ('example' in holder) {
    found.push({ pointer: below(pointer, 'example'), key: null, value: holder.example });
  }
  for (const key of Object.keys(holder.examples ?? {})) {
    const example = dereference(document, below(pointer, 'examples', key));
    found.push({ pointer: below(example.pointer, 'value'), key, value: example.value.value });
  }
  return found.map((example) => ({ ...example, schema: below(pointer, 'schema') }));
}

/** The examples of a request's or a response's body. */
function contentExamples(document, holder, pointer) {
  return Object.keys(holder.content ?? {}).flatMap((type) =>
    namedExamples(document, holder.content[type], below(pointer, 'content', type)),
  );
}

/** The examples of one operation, each with what it is an example of. */
export function operationExamples(document, { operation, pointer, pathPointer }) {
  const found = [];
  const add = (kind, examples, status = null) => {
    found.push(...examples.map((example) => ({ ...example, kind, status })));
  };
  for (const owner of [pathPointer, pointer]) {
    const { parameters = [] } = dereference(document, owner).value;
    for (const index of parameters.keys()) {
      const parameter = dereference(document, below(owner, 'parameters', index));
      add('parameter', namedExamples(document, parameter.value, parameter.pointer));
    }
  }
  if ('requestBody' in operation) {
    const body = dereference(document, below(pointer, 'requestBody'));
    add('request', contentExamples(document, body.value, body.pointer));
  }
  for (const status of Object.keys(operation.responses)) {
    const response = dereference(document, below(pointer, 'responses', status));
    add('response', contentExamples(document, response.value, response.pointer), status);
    for (const name of Object.keys(response.value.headers ?? {})) {
      const header = dereference(document, below(response.pointer, 'headers', name));
      add('header', namedExamples(document, header.value, header.pointer), status);
    }
  }
  return found;
}

/** The examples and defaults that schemas have of themselves, those inside a schema included. */
export function schemaExamples(schema, pointer) {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = ['example', 'default']
    .filter((keyword) => keyword in schema)
    .map((keyword) => ({ pointer: below(pointer, keyword), schema: pointer, value: schema[keyword] }));
  const several = (schema.examples ?? []).map((value, index) => ({
    pointer: below(pointer, 'examples', index),
    schema: pointer,
    value,
  }));
  const inner = [
    ...ONE_SCHEMA.filter((keyword) => keyword in schema).map((keyword) => [keyword]),
    ...SCHEMA_LISTS.flatMap((keyword) =>
      [...(schema[keyword] ?? []).keys()].map((index) => [keyword, index]),
    ),
    ...SCHEMA_MAPS.flatMap((keyword) => Object.keys(schema[keyword] ?? {}).map((name) => [keyword, name])),
  ].flatMap((steps) =>
    schemaExamples(
      steps.reduce((value, step) => value[step], schema),
      below(pointer, ...steps),
    ),
  );
  return [...own, ...several, ...inner];
}

/** Every schema that stands in the document where something else than a schema holds it. */
function outermostSchemas(document) {
  const found = [];
  const visit = (value, pointer) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const place = below(pointer, name);
      if (name === 'example' || name === 'examples') continue;
      if (name === 'schema') found.push({ schema: inner, pointer: place });
      else if (place === '/components/schemas') {
        for (const [title, schema] of Object.entries(inner)) {
          found.push({ schema, pointer: below(place, title) });
        }
      } else visit(inner, place);
    }
  };
  visit(document, '');
  return found;
}

/** @returns a function that says what is wrong with a value, by the schema at a pointer; null if nothing is */
export function makeValidator(document) {
  // Strict: a keyword that JSON Schema does not know checks nothing, whatever its author thought.
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true });
  formats.default(ajv);
  // References resolve from the whole document, whose own members are no keywords of a schema either.
  ajv.addVocabulary([...ANNOTATIONS, ...Object.keys(document)]);
  ajv.addSchema(document, DOCUMENT_ID);
  const compiled = new Map();
  return (value, pointer) => {
    try {
      if (!compiled.has(pointer)) {
        const fragment = pointer.split('/').map(encodeURIComponent).join('/');
        compiled.set(pointer, ajv.compile({ $ref: `${DOCUMENT_ID}#${fragment}` }));
      }
    } catch (error) {
      return `its schema cannot be used: ${error.message}`;
    }
    const validate = compiled.get(pointer);
    return validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: 'value' });
  };
}

/** What is wrong with the examples of one operation, one line each. */
export function operationProblems(document, operation, validate = makeValidator(document)) {
  return operationExamples(document, operation).flatMap((example) => {
    const { value, schema, kind, status, key, pointer } = example;
    if (value === undefined) return [`${pointer}: there is no value`];
    const lines = [];
    const violation = validate(value, schema);
    if (violation !== null) lines.push(`${pointer}: ${violation}`);
    if (kind === 'response' && /^[45]/.test(status) && value?.error !== undefined) {
      // OpenAI's shape has no status, and of what was wrong with a field only its place.
      const { code, param } = value.error;
      const isOfField = code === 'validation_failed' && param !== null;
      if (code !== key && !isOfField) lines.push(`${pointer}: its code is ${code}, not ${key}`);
    } else if (kind === 'response' && /^[45]/.test(status)) {
      if (value?.status !== Number(status)) {
        lines.push(`${pointer}: its status is ${value?.status} in an answer of ${status}`);
      }
      // Several examples of one code, as those of 422, are named after what was wrong with the field.
      const codes = [value?.code, ...(value?.errors ?? []).map(({ code }) => code)];
      if (!codes.includes(key)) lines.push(`${pointer}: its code is ${codes.join(', ')}, not ${key}`);
    }
    return lines;
  });
}

/** What is wrong with the examples inside schemas, one line each. */
export function schemaProblems(document, validate = makeValidator(document)) {
  return outermostSchemas(document)
    .flatMap(({ schema, pointer }) => schemaExamples(schema, pointer))
    .flatMap(({ value, schema, pointer }) => {
      const violation = validate(value, schema);
      return violation === null ? [] : [`${pointer}: ${violation}`];
    });
}

/** What is wrong with any example of the document. */
export function exampleProblems(document) {
  const validate = makeValidator(document);
  return [
    ...schemaProblems(document, validate),
    ...operationsOf(document).flatMap((operation) => operationProblems(document, operation, validate)),
  ];
}
