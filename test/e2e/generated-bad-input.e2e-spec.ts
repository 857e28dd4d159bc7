import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response, Test } from 'supertest';
import { v7 } from 'uuid';
import { contract, type ContractOperation, type Schema } from '../support/contract.js';
import { makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { type Method, startTestService, type TestService } from '../support/service.js';

/*
 * Bad input made from openapi.json, for every operation that is in it. `TestService.call` holds each answer
 * against the document, so a 500, a wrong shape and an unknown code fail by themselves; what is asserted here is that the request is refused, with the right status and field.
 */

const METHODS: readonly Method[] = ['get', 'post', 'put', 'patch', 'delete'];
const BODY_LIMIT = 65_536;

const operations = contract.operations;
const withBody = operations.filter((operation) => operation.body !== null);
const withRequired = withBody.filter(
  (operation) => (contract.resolve(operation.body!).required ?? []).length > 0,
);
const byId = (some: readonly ContractOperation[]): [string, ContractOperation][] =>
  some.map((operation) => [operation.operationId, operation]);

let service: TestService;
let team: TestTeam;
let jobId: string;

beforeAll(async () => {
  service = await startTestService({
    environment: { MAX_BODY_BYTES: String(BODY_LIMIT), MAX_CALL_BODY_BYTES: String(BODY_LIMIT) },
  });
  team = await makeTeam(service);
  jobId = await makeJob(service, team);
});
afterAll(() => service.stop());

/** A path of the operation with things that are there. */
function pathOf({ path }: ContractOperation): string {
  const values: Readonly<Record<string, string>> = {
    organization_id: team.organizationId,
    team_id: team.teamId,
    group_name: team.groups[0]!,
    job_id: jobId,
    call_id: v7(),
    job_type: 'demo',
    code: 'job_not_open',
    model: team.groups[0]!,
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!);
}

function send(operation: ContractOperation, body?: unknown): Test {
  return service.call(operation.method as Method, pathOf(operation), { body });
}

/** A body as text, of any type. */
function sendText(operation: ContractOperation, text: string, type = 'application/json'): Test {
  return send(operation).set('content-type', type).send(text);
}

/** The fields that an answer names; in OpenAI's shape it is the first one. */
function fieldsOf(answer: Response): string[] {
  const { errors = [], error } = answer.body as {
    errors?: { field: string }[];
    error?: { param: string | null };
  };
  if (typeof error?.param === 'string') return [error.param];
  return errors.map((one) => one.field);
}

function codeOf(answer: Response): unknown {
  const { code, error } = answer.body as { code?: string; error?: { code: string } };
  return code ?? error?.code;
}

/** What a request that is not valid gets; OpenAI has no status of its own for it. */
function invalidStatusOf({ operationId }: ContractOperation): number {
  return operationId.startsWith('openai_') ? 400 : 422;
}

/** The type of a schema, null aside; of two alternatives the first. */
function typeOf(schema: Schema): string {
  const resolved = contract.resolve(schema);
  if (resolved !== schema) return typeOf(resolved);
  if (Array.isArray(schema.type)) return (schema.type as string[]).find((type) => type !== 'null') ?? 'null';
  if (typeof schema.type === 'string') return schema.type;
  return typeOf((schema.anyOf ?? schema.oneOf)![0]!);
}

/** Values that a field of the schema must not take, each with what is wrong with it. */
function badValuesFor(schema: Schema): [string, unknown][] {
  const wrongTypes: Readonly<Record<string, readonly unknown[]>> = {
    string: [7, true, {}, { a: 1 }],
    integer: ['7', 1.5, {}, [], true, 1e300, -1e300],
    number: ['7', {}, [], true],
    boolean: ['true', 1, {}, []],
    array: ['x', 7, {}, { 0: 'x', length: 1 }],
    object: ['x', 7, [], true],
  };
  const type = typeOf(schema);
  const values: [string, unknown][] = wrongTypes[type]!.map((value) => ['of a wrong type', value]);
  if (type === 'string') {
    values.push(['with half a surrogate pair', 'a\ud800']);
    // What is sent on and not stored may hold NUL, and may be as long as the body.
    const isStored = !('anyOf' in schema);
    if (isStored) values.push(['with NUL', 'a\0b']);
    if (schema.enum !== undefined) values.push(['that is no word of the list', 'nonsense']);
    if (schema.pattern !== undefined) values.push(['that does not match', '/,/']);
    if (schema.maxLength !== undefined) values.push(['that is too long', 'x'.repeat(schema.maxLength + 1)]);
    else if (isStored) values.push(['that is too long', 'x'.repeat(8_193)]);
  }
  if (schema.maximum !== undefined) values.push(['that is too large', schema.maximum + 1]);
  if (schema.minimum !== undefined) values.push(['that is too small', schema.minimum - 1]);
  return values;
}

/** The example of the operation's body, which is sound. */
function soundBody(operation: ContractOperation): Record<string, unknown> {
  return { ...(operation.example as Record<string, unknown>) };
}

it('is made for all operations that there are', () => {
  expect(operations.length).toBeGreaterThan(40);
  expect(withBody.length).toBeGreaterThan(12);
});

describe('a query', () => {
  it.each(byId(operations))('of %s with an unknown name is refused', async (_, operation) => {
    for (const name of [
      'verbose',
      'limit[]',
      'filter[status]',
      '__proto__',
      'constructor',
      'a'.repeat(300),
    ]) {
      const path = `${pathOf(operation)}?${encodeURIComponent(name)}=1`;
      const answer = await service
        .call(operation.method as Method, path, {
          body: operation.body === null ? undefined : soundBody(operation),
        })
        .expect(invalidStatusOf(operation));
      expect(fieldsOf(answer)).toEqual([name]);
    }
  });

  const withQuery = operations.flatMap((operation) =>
    operation.parameters
      .filter((parameter) => parameter.in === 'query')
      .map((parameter) => [`${operation.operationId}?${parameter.name}`, operation, parameter] as const),
  );

  it.each(withQuery)('%s with a bad value is refused', async (_, operation, { name, schema }) => {
    const bad = ['\0', 'a\0b', 'x'.repeat(2_000), ...(typeOf(schema) === 'integer' ? NO_INTEGERS : [])];
    if (schema.enum !== undefined) bad.push('nonsense');
    if (name === 'cursor') bad.push('nonsense', 'AAAA', '!', 'MCB4=');
    for (const value of bad) {
      const answer = await service
        .call(operation.method as Method, pathOf(operation), { query: { [name]: value } })
        .expect(invalidStatusOf(operation));
      // A day of two is refused together with the other one, if that is missing.
      expect(fieldsOf(answer)).toContain(name);
    }
    const twice = `${pathOf(operation)}?${name}=1&${name}=2`;
    expect(
      fieldsOf(await service.call(operation.method as Method, twice).expect(invalidStatusOf(operation))),
    ).toContain(name);
  });

  const NO_INTEGERS = ['0', '-1', '1.5', '1e1', '0x10', 'ten', ' 1', '1 ', '9'.repeat(30), '١', ''];
});

describe('a body', () => {
  it.each(byId(withBody))('of %s with an unknown field is refused', async (_, operation) => {
    if (typeOf(operation.body!) === 'array') {
      expect(fieldsOf(await send(operation, { a: 1 }))).toEqual(['body']);
      return;
    }
    for (const name of ['colour', 'teamId', ' status', 'toString']) {
      const answer = await send(operation, { ...soundBody(operation), [name]: 1 }).expect(
        invalidStatusOf(operation),
      );
      expect(fieldsOf(answer)).toEqual([name]);
    }
  });

  const fields = withBody.flatMap((operation) =>
    Object.entries(contract.resolve(operation.body!).properties ?? {}).map(
      ([name, schema]) => [`${operation.operationId} ${name}`, operation, name, schema] as const,
    ),
  );

  it.each(fields)('%s with a bad value is refused, naming the field', async (_, operation, name, schema) => {
    for (const [what, value] of badValuesFor(schema)) {
      if (isTakenElsewhere(schema, value)) continue;
      const answer = await send(operation, { ...soundBody(operation), [name]: value });
      const fields = fieldsOf(answer).map((field) => field.split('.')[0]);
      expect([what, answer.status, fields]).toEqual([what, invalidStatusOf(operation), [name]]);
    }
  });

  it.each(byId(withBody.filter(({ body }) => typeOf(body!) === 'array')))(
    'of %s that is an array with a bad item is refused',
    async (_, operation) => {
      const sound = operation.example as unknown[];
      for (const item of [null, 7, true, [], '/,/', 'x'.repeat(300), { a: 1 }, 'a\0b']) {
        const answer = await send(operation, [...sound, item]).expect(invalidStatusOf(operation));
        expect(fieldsOf(answer).every((field) => field.startsWith('body'))).toBe(true);
      }
    },
  );

  it.each(byId(withRequired))('of %s that lacks a required field is refused', async (_, operation) => {
    for (const name of contract.resolve(operation.body!).required ?? []) {
      const { [name]: _left, ...rest } = soundBody(operation);
      for (const body of [rest, { ...rest, [name]: null }]) {
        expect(fieldsOf(await send(operation, body).expect(invalidStatusOf(operation)))).toContain(name);
      }
    }
  });

  it.each(byId(withBody))('of %s that is no sound JSON is refused', async (_, operation) => {
    for (const text of [
      '{',
      '{"a":}',
      'nonsense',
      '"text"',
      '7',
      'null',
      '{"a":1}{',
      '\u0000',
      '[1,',
      "{'a':1}",
    ]) {
      expect(codeOf(await sendText(operation, text).expect(400))).toBe('malformed_json');
    }
  });

  it.each(byId(withBody))('of %s that would wear the service out is refused', async (_, operation) => {
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_item, key) => [key, 1])));
    for (const text of [deep, wide, '{"a":1e400}', '{"__proto__":{}}', '{"a":{"constructor":1}}']) {
      await sendText(operation, text).expect(invalidStatusOf(operation));
    }
    await sendText(operation, `{"a":"${'x'.repeat(BODY_LIMIT)}"}`).expect(413);
  });

  it.each(byId(withBody))('of %s of another type than JSON is refused', async (_, operation) => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/json; charset=utf-16',
      'nonsense',
    ]) {
      expect(codeOf(await sendText(operation, 'a=1', type).expect(415))).toBe('unsupported_media_type');
    }
  });

  it.each(byId(withBody.filter(({ isBodyOptional }) => !isBodyOptional)))(
    'of %s that is missing is refused',
    async (_, operation) => {
      expect(fieldsOf(await send(operation).expect(invalidStatusOf(operation)))).toEqual(['body']);
    },
  );

  it.each(byId(withBody.filter(({ isBodyOptional }) => isBodyOptional)))(
    'of %s that is missing is not refused',
    async (_, operation) => {
      await send(operation).expect(200);
    },
  );

  it.each(byId(operations.filter((operation) => operation.body === null && operation.method !== 'get')))(
    'is refused by %s, which takes none',
    async (_, operation) => {
      expect(fieldsOf(await send(operation, { reason: 'x' }).expect(invalidStatusOf(operation)))).toEqual([
        'reason',
      ]);
      expect(fieldsOf(await send(operation, [1]).expect(invalidStatusOf(operation)))).toEqual(['body']);
    },
  );
});

describe('a path', () => {
  it.each(byId(operations))(
    'of %s answers 405 with Allow to a method that it has not',
    async (_, operation) => {
      const path = pathOf(operation);
      const allowed = METHODS.filter((method) => contract.find(method, path) !== null).map((method) =>
        method.toUpperCase(),
      );
      const expected = [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])].sort().join(', ');
      for (const method of METHODS) {
        if (allowed.includes(method.toUpperCase())) continue;
        const answer = await service.call(method, path, { key: null }).expect(405);
        expect([method, answer.headers['allow'], codeOf(answer)]).toEqual([
          method,
          expected,
          'method_not_allowed',
        ]);
      }
    },
  );

  it.each(byId(operations.filter(({ path }) => path.includes('{'))))(
    'of %s with a name that nothing can have is refused',
    async (_, operation) => {
      const body = operation.body === null ? undefined : operation.example;
      const ask = (name: string) =>
        service.call(operation.method as Method, operation.path.replaceAll(/\{\w+\}/g, name), { body });
      for (const name of ['%00', 'a%00b', '%FF', '%E0%A4%A']) await ask(name).expect(400);
      for (const name of [
        '-',
        '%2E%2E',
        'x'.repeat(3_000),
        '%F0%9F%92%A3',
        '%27%3B--',
        '%2F',
        'a%0Ab',
        '0',
      ]) {
        // The files of the page that shows the contract lie beside the error pages and take this one.
        if (name === '%2E%2E' && operation.operationId === 'error_pages_get') continue;
        const answer = await ask(name);
        // The admin has to name a team there, which comes first.
        const needsTeam = ['model_groups_resolve', 'openai_model'].includes(operation.operationId);
        const expected = needsTeam ? invalidStatusOf(operation) : 404;
        expect([name, answer.status]).toEqual([name, expected]);
      }
    },
  );
});

/** A text that is allowed where the schema takes text or something else. */
function isTakenElsewhere(schema: Schema, value: unknown): boolean {
  return (schema.anyOf ?? schema.oneOf) !== undefined && typeof value === 'string' && value === 'x';
}
