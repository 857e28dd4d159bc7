import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '../support/service.js';

const FILE = join(import.meta.dirname, '../../openapi.json');

interface MediaType {
  readonly schema?: { readonly $ref?: string };
  readonly examples?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let service: TestService;
let document: Document;
let operations: Operation[];

beforeAll(async () => {
  service = await startTestService();
  document = (await service.call('get', '/openapi.json', { key: null }).expect(200)).body as Document;
  operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
});

afterAll(async () => {
  await service.stop();
});

/** Every object inside a value, the value itself included. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const item of Object.values(value)) yield* objectsIn(item);
}

/** What a JSON pointer such as `#/components/schemas/JobResponse` points to. */
function resolve(reference: string): unknown {
  return reference
    .slice('#/'.length)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
}

describe('the committed contract', () => {
  it('is what the service serves', () => {
    const refresh = 'openapi.json is not the contract that is served. Refresh it: npm run openapi';
    if (!existsSync(FILE)) throw new Error(`${refresh} (there is no such file)`);
    try {
      expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(document);
    } catch (error) {
      throw new Error(`${refresh}\n${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  });
});

describe('the served contract', () => {
  it('is OpenAPI 3.1.0', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(operations.length).toBeGreaterThan(10);
  });

  it('writes null as a type: 3.1 has no nullable', () => {
    const found = [...objectsIn(document)].filter((one) => 'nullable' in one);
    expect(found).toEqual([]);
  });

  it('has an operation id of its own for every operation, in snake case', () => {
    const ids = operations.map((operation) => operation.operationId);

    expect(ids.filter((id) => !/^[a-z_]+$/.test(id))).toEqual([]);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('gives every answer a named schema', () => {
    const unnamed = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([, { content }]) => {
          const media = Object.entries(content ?? {});
          return (
            media.length === 0 ||
            media
              // A page and a file are text.
              .filter(
                ([type]) => !['text/html', 'text/csv', 'text/plain', 'text/event-stream'].includes(type),
              )
              .some(([, { schema }]) => !/^#\/components\/schemas\/\w+$/.test(schema?.$ref ?? ''))
          );
        })
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(unnamed).toEqual([]);
  });

  it('has JSON for what goes well and problems for what does not', () => {
    const textTypes: Readonly<Record<string, string>> = {
      'error_pages_list 200': 'text/html',
      'error_pages_get 200': 'text/html',
      'credits_statement 200': 'application/json,text/csv',
      'metrics_get 200': 'text/plain',
      'jobs_call 200': 'application/json,text/event-stream',
      'jobs_call_stream 200': 'text/event-stream',
      'jobs_create_and_call 200': 'application/json,text/event-stream',
      'jobs_create_and_call_stream 200': 'text/event-stream',
      'openai_chat_completions 200': 'application/json,text/event-stream',
      'openai_responses 200': 'application/json,text/event-stream',
      'openai_job_chat_completions 200': 'application/json,text/event-stream',
      'openai_job_responses 200': 'application/json,text/event-stream',
    };
    const media = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses).map(([status, { content }]) => ({
        answer: `${operationId} ${status}`,
        isProblem: Number(status) >= 400,
        types: Object.keys(content ?? {}),
        schemas: Object.values(content ?? {}).map(({ schema }) => schema?.$ref),
      })),
    );
    const wrong = media.filter(({ answer, isProblem, types, schemas }) =>
      isProblem
        ? [types.join(), schemas.join()].join(' ') !==
          (answer.startsWith('openai_')
            ? 'application/json #/components/schemas/OpenAiErrorResponse'
            : 'application/problem+json #/components/schemas/ProblemResponse')
        : types.join() !== (textTypes[answer] ?? 'application/json'),
    );
    expect(wrong.map(({ answer }) => answer)).toEqual([]);
  });

  it('has exactly one answer for success in every operation, and it is 200', () => {
    const successes = operations.map(({ operationId, responses }) => [
      operationId,
      ...Object.keys(responses).filter((status) => Number(status) < 400),
    ]);
    expect(successes).toEqual(operations.map(({ operationId }) => [operationId, '200']));
  });

  it('says in every operation how it refuses a request', () => {
    const silent = operations.filter(
      ({ responses }) => !Object.keys(responses).some((status) => /^4\d\d$/.test(status)),
    );
    expect(silent.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('has 422 in every operation, or 400 as OpenAI has it: each refuses a query that it does not know', () => {
    const silent = operations.filter(({ operationId, responses }) => {
      const status = operationId.startsWith('openai_') ? '400' : '422';
      const media = Object.values(responses[status]?.content ?? {});
      return !media.some(({ examples }) => examples?.['unknown_field'] !== undefined);
    });
    expect(silent.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('has no 422 where OpenAI has none', () => {
    const other = operations.filter(
      ({ operationId, responses }) => operationId.startsWith('openai_') && '422' in responses,
    );
    expect(other.map(({ operationId }) => operationId)).toEqual([]);
  });

  it('has no reference into nothing, and no schema that nothing refers to', () => {
    const references = [...objectsIn(document)].flatMap(({ $ref }) =>
      typeof $ref === 'string' ? [$ref] : [],
    );

    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((reference) => typeof resolve(reference) !== 'object')).toEqual([]);
    const referred = new Set(references);
    const unused = Object.keys(document.components.schemas).filter(
      (name) => !referred.has(`#/components/schemas/${name}`),
    );
    expect(unused).toEqual([]);
  });

  it('declares every parameter that a path has', () => {
    const undeclared = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).flatMap((operation) => {
        const { parameters = [] } = operation as {
          parameters?: { name: string; in: string; required: boolean }[];
        };
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
        const declared = parameters.filter((one) => one.in === 'path' && one.required).map((one) => one.name);
        return inPath.sort().join() === declared.sort().join() ? [] : [operation.operationId];
      }),
    );
    expect(undeclared).toEqual([]);
  });
});
