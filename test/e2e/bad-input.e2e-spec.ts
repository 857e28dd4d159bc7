import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { makeJob, makeTeam, MESSAGES, type TestTeam } from '../support/factories.js';
import { MASTER_KEY, startTestService, type TestService, uniqueName } from '../support/service.js';

describe('bad input', () => {
  let service: TestService;
  let team: TestTeam;

  beforeAll(async () => {
    service = await startTestService({
      environment: { MAX_BODY_BYTES: '40000', MAX_CALL_BODY_BYTES: '60000' },
    });
    team = await makeTeam(service);
  });
  afterAll(() => service.stop());

  const organization = (fields: object) => ({ organization_id: uniqueName('org'), name: 'Org', ...fields });
  const newTeam = (fields: object) => ({
    organization_id: team.organizationId,
    team_id: uniqueName('team'),
    model_groups: [],
    ...fields,
  });
  const group = (fields: object) => ({
    group_name: uniqueName('group'),
    models: [{ model_name: 'm' }],
    ...fields,
  });
  const ID_129 = 'x'.repeat(129);

  it.each<[string, string, () => object, string]>([
    ['a number for text', 'organizations', () => organization({ name: 5 }), 'name'],
    ['an empty name', 'organizations', () => organization({ name: '' }), 'name'],
    ['a name that is too long', 'organizations', () => organization({ name: 'x'.repeat(257) }), 'name'],
    ['a NUL in a text', 'organizations', () => organization({ name: 'a\0b' }), 'name'],
    ['half a surrogate pair', 'organizations', () => organization({ name: 'a\ud800' }), 'name'],
    [
      'an id with a slash',
      'organizations',
      () => organization({ organization_id: 'a/b' }),
      'organization_id',
    ],
    [
      'an id of 129 characters',
      'organizations',
      () => organization({ organization_id: ID_129 }),
      'organization_id',
    ],
    [
      'an id that begins with a dot',
      'organizations',
      () => organization({ organization_id: '.a' }),
      'organization_id',
    ],
    [
      'null for a required field',
      'organizations',
      () => organization({ organization_id: null }),
      'organization_id',
    ],
    ['an array as metadata', 'organizations', () => organization({ metadata: [] }), 'metadata'],
    ['text as metadata', 'organizations', () => organization({ metadata: 'x' }), 'metadata'],
    [
      'metadata of 17 KiB',
      'organizations',
      () => organization({ metadata: { a: 'x'.repeat(17_408) } }),
      'metadata',
    ],
    [
      'a NUL deep in metadata',
      'organizations',
      () => organization({ metadata: { a: [{ b: '\0' }] } }),
      'metadata',
    ],
    ['an unknown field', 'organizations', () => organization({ colour: 'red' }), 'colour'],
    ['negative credits', 'teams', () => newTeam({ credits_allocated: -1 }), 'credits_allocated'],
    ['fractional credits', 'teams', () => newTeam({ credits_allocated: 1.5 }), 'credits_allocated'],
    ['credits as text', 'teams', () => newTeam({ credits_allocated: '5' }), 'credits_allocated'],
    ['model groups that are no array', 'teams', () => newTeam({ model_groups: 'ChatFast' }), 'model_groups'],
    ['a group named twice', 'teams', () => newTeam({ model_groups: ['a', 'a'] }), 'model_groups'],
    ['a visibility that is none', 'teams', () => newTeam({ cost_visibility: 'all' }), 'cost_visibility'],
    ['a budget mode that is none', 'teams', () => newTeam({ budget_mode: 'prepaid' }), 'budget_mode'],
    ['a rate in an exponent', 'teams', () => newTeam({ credits_per_dollar: 1e-7 }), 'credits_per_dollar'],
    ['no models', 'model-groups', () => group({ models: [] }), 'models'],
    [
      'a model named twice',
      'model-groups',
      () => group({ models: [{ model_name: 'm' }, { model_name: 'm' }] }),
      'models',
    ],
    [
      'a model that is two',
      'model-groups',
      () => group({ models: [{ model_name: 'a,b' }] }),
      'models.0.model_name',
    ],
    ['an array as a model', 'model-groups', () => group({ models: [[{ model_name: 'm' }]] }), 'models'],
    [
      'a name of 200 two-part hearts',
      'organizations',
      () => organization({ name: '\u2764\ufe0f'.repeat(200) }),
      'name',
    ],
    ['null as a model', 'model-groups', () => group({ models: [null] }), 'models'],
    [
      'a fractional priority',
      'model-groups',
      () => group({ models: [{ model_name: 'm', priority: 0.5 }] }),
      'models.0.priority',
    ],
  ])('is refused with 422 naming the field: %s', async (_what, area, makeBody, field) => {
    const answer = await service.call('post', `/api/${area}/create`, { body: makeBody() }).expect(422);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body.code).toBe('validation_failed');
    expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toContain(field);
  });

  it.each<[string, object, string]>([
    ['no messages', { messages: [] }, 'messages'],
    ['messages that are no array', { messages: 'hello' }, 'messages'],
    ['a message without a role', { messages: [{ content: 'x' }] }, 'messages'],
    ['the answer of a tool that was not called', { messages: [{ role: 'tool', content: 'x' }] }, 'messages'],
    ['null as content', { messages: [{ role: 'user', content: null }] }, 'messages'],
    [
      'an image without an address',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages',
    ],
    ['half a surrogate pair', { messages: [{ role: 'user', content: 'a\ud800' }] }, 'messages'],
    ['a broken stop', { stop: ['\udc00'] }, 'stop'],
    ['a temperature as text', { temperature: '1' }, 'temperature'],
    ['a temperature of 3', { temperature: 3 }, 'temperature'],
    ['no tokens at all', { max_tokens: 0 }, 'max_tokens'],
    ['five stops', { stop: ['1', '2', '3', '4', '5'] }, 'stop'],
    ['a stream that is no boolean', { stream: 'yes' }, 'stream'],
    ['options of a stream that is none', { stream_options: { include_usage: true } }, 'stream_options'],
    ['no tool among the tools', { tools: [] }, 'tools'],
    ['a choice of tools without tools', { tool_choice: 'auto' }, 'tool_choice'],
    ['an unknown form of the answer', { response_format: { type: 'xml' } }, 'response_format'],
    [
      'a schema that is none',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'word' } } } },
      'response_format.json_schema.schema',
    ],
    ['a model that cannot be a group', { model: 'openai/gpt-4' }, 'model'],
    ['two groups at once', { model: 'a', model_group: 'b' }, 'model'],
  ])('of a call is refused before anything is sent: %s', async (_what, fields, field) => {
    const jobId = await makeJob(service, team);
    const before = service.sandbox.servedCount();
    const answer = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES, ...fields } })
      .expect(422);
    expect(answer.body.errors[0].field).toBe(field);
    expect(service.sandbox.servedCount()).toBe(before);
  });

  it('says of a parameter that is known and refused why it is, and what to use', async () => {
    const jobId = await makeJob(service, team);
    const answer = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        body: { messages: MESSAGES, thinking: { type: 'enabled' }, colour: 'red' },
      })
      .expect(422);
    expect(answer.body.errors).toEqual([
      {
        field: 'thinking',
        code: 'unsupported_parameter',
        message: 'thinking is not supported: use reasoning_effort',
      },
      { field: 'colour', code: 'unknown_field', message: 'colour is not a field of this request' },
    ]);
  });

  it('names the place of a bad message', async () => {
    const jobId = await makeJob(service, team);
    const answer = await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        body: { messages: [...MESSAGES, { role: 'user', content: [] }] },
      })
      .expect(422);
    expect(answer.body.errors[0].message).toBe(
      'messages.1.content must be text or an array of parts (text, image_url, input_audio)',
    );
  });

  it('takes null for every optional field as absent', async () => {
    await service
      .call('post', '/api/organizations/create', { body: organization({ metadata: null }) })
      .expect(200);
    const nothing = { team_alias: null, credits_allocated: null, cost_visibility: null, metadata: null };
    await service.call('post', '/api/teams/create', { body: newTeam(nothing) }).expect(200);
    const job = await service
      .call('post', '/api/jobs/create', {
        key: team.key,
        body: { job_type: 'x', team_id: null, user_id: null, metadata: null },
      })
      .expect(200);
    const jobId = job.body.job_id as string;
    const parameters = ['temperature', 'max_tokens', 'top_p', 'stop', 'seed', 'purpose', 'model_group'];
    await service
      .call('post', `/api/jobs/${jobId}/llm-call`, {
        body: { messages: MESSAGES, ...Object.fromEntries(parameters.map((name) => [name, null])) },
      })
      .expect(200);
    await service
      .call('post', `/api/jobs/${jobId}/complete`, {
        body: { status: 'completed', error_message: null, metadata: null },
      })
      .expect(200);
  });

  const send = (path: string, body: string, type = 'application/json') =>
    request(service.baseUrl)
      .post(path)
      .set('authorization', `Bearer ${MASTER_KEY}`)
      .set('content-type', type)
      .send(body);

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s at any depth', async (key) => {
    const answer = await send(
      '/api/jobs/create',
      `{"team_id":"${team.teamId}","job_type":"x","metadata":{"a":[{"${key}":{"admin":true}}]}}`,
    ).expect(422);
    expect(answer.body.errors[0]).toMatchObject({ field: key, code: 'forbidden_key' });
  });

  it.each(['{"job_type":', '"text"', 'null', '{"a":1}}', '\u0000'])(
    'refuses %j as broken JSON',
    async (body) => {
      expect((await send('/api/jobs/create', body).expect(400)).body.code).toBe('malformed_json');
    },
  );

  it('refuses a body that is nested without end', async () => {
    const body = '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000);
    expect((await send('/api/jobs/create', body).expect(422)).body.errors[0].code).toBe('body_too_complex');
  });

  it('refuses an object with thousands of keys before validation works through them', async () => {
    const keys = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`k${String(index)}`, 1]));
    const body = JSON.stringify({ team_id: team.teamId, job_type: 'x', metadata: keys });
    expect((await send('/api/jobs/create', body).expect(422)).body.errors[0].code).toBe('body_too_complex');
  });

  it('refuses a number that is no number any more', async () => {
    await send(
      '/api/jobs/create',
      `{"team_id":"${team.teamId}","job_type":"x","metadata":{"a":1e400}}`,
    ).expect(422);
  });

  it('keeps metadata as it was sent, whatever its keys are called', async () => {
    const metadata = { toString: 'a', valueOf: 1, hasOwnProperty: true, nested: { toLocaleString: ['x'] } };
    const job = await service
      .call('post', '/api/jobs/create', { key: team.key, body: { job_type: 'x', metadata } })
      .expect(200);
    expect(job.body.metadata).toEqual(metadata);
    const read = await service.call('get', `/api/jobs/${job.body.job_id as string}`).expect(200);
    expect(read.body.metadata).toEqual(metadata);
  });

  it('refuses unknown fields that are called like a method of objects', async () => {
    const inBody = await send(
      '/api/jobs/create',
      `{"team_id":"${team.teamId}","job_type":"x","toString":1}`,
    ).expect(422);
    expect(inBody.body.errors[0]).toMatchObject({ field: 'toString', code: 'unknown_field' });
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const inQuery = await service.call('get', `/api/teams/${team.teamId}/jobs?${name}=1`).expect(422);
      expect(inQuery.body.errors[0].field).toBe(name);
    }
  });

  it('refuses a body where a route takes none', async () => {
    const answer = await service
      .call('put', `/api/teams/${team.teamId}/suspend`, { body: { reason: 'x' } })
      .expect(422);
    expect(answer.body.errors[0].field).toBe('reason');
  });

  it('does not read the body of a stranger', async () => {
    await request(service.baseUrl)
      .post('/api/jobs/x/llm-call')
      .set('content-type', 'application/json')
      .send('{"broken')
      .expect(401);
  });

  it('refuses bytes that are no UTF-8, and other charsets and encodings', async () => {
    const post = (headers: Record<string, string>, body: Buffer) =>
      fetch(`${service.baseUrl}/api/jobs/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json', ...headers },
        body: new Uint8Array(body),
      }).then((answer) => answer.status);
    expect(await post({}, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe(400);
    expect(
      await post({ 'content-type': 'application/json; charset=utf-16le' }, Buffer.from('{}', 'utf16le')),
    ).toBe(415);
    expect(await post({ 'content-encoding': 'zstd' }, Buffer.from('{}'))).toBe(415);
  });

  it('answers what is not HTTP with a problem', async () => {
    const { port } = new URL(service.baseUrl);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nContent-Length: abc\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ status: 400, code: 'malformed_request' });
  });

  it('refuses a body over its limit, which is larger for calls', async () => {
    const jobId = await makeJob(service, team);
    const callPath = `/api/jobs/${jobId}/llm-call`;
    const call = (size: number) =>
      JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(size) }] });
    expect((await send('/api/jobs/create', `{"a":"${'x'.repeat(41_000)}"}`).expect(413)).body.code).toBe(
      'body_too_large',
    );
    await send(callPath, call(50_000)).expect(200);
    await send(callPath, call(61_000)).expect(413);
  });

  it('refuses a body that is not JSON', async () => {
    await send('/api/jobs/create', 'job_type=x', 'application/x-www-form-urlencoded').expect(415);
    await send('/api/jobs/create', '{}', 'application/json; charset=latin1').expect(415);
  });

  it('answers an unknown route, a path that cannot be decoded and an unknown query', async () => {
    for (const path of ['/api/nothing', '/api/stats', '/nothing', '/api/teams/a%2Fb/c']) {
      expect((await service.call('get', path).expect(404)).body.code).toBe('route_not_found');
    }
    expect((await service.call('get', '/api/teams/a%2Fb').expect(404)).body.code).toBe('team_not_found');
    expect((await service.call('get', `/api/teams/${ID_129}`).expect(404)).body.code).toBe('team_not_found');
    await service.call('get', '/api/teams/%E0%A4%A').expect(400);
    await service.call('get', '/api/teams/a%00b').expect(400);
    const unknown = await service
      .call('get', `/api/teams/${team.teamId}`, { query: { verbose: '1' } })
      .expect(422);
    expect(unknown.body.errors[0].field).toBe('verbose');
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', 'ten'],
    ['limit', '1.5'],
    ['limit', '1e1'],
    ['limit', '0x10'],
    ['limit', ' 5'],
    ['cursor', 'nonsense'],
    ['cursor', ''],
    ['status', 'done'],
    ['created_after', 'yesterday'],
    ['created_before', '2024-02-30'],
    ['created_after', '0000-01-01'],
    ['job_type', 'a\0b'],
    ['page', '2'],
  ])('refuses the query %s=%s', async (name, value) => {
    const answer = await service
      .call('get', `/api/teams/${team.teamId}/jobs`, { query: { [name]: value } })
      .expect(422);
    expect(answer.body.errors[0].field).toBe(name);
  });

  it('refuses to end a job with a status that is no end', async () => {
    const jobId = await makeJob(service, team);
    for (const status of ['pending', 'expired', 'done', null, 5, ['completed']]) {
      const answer = await service
        .call('post', `/api/jobs/${jobId}/complete`, { body: { status } })
        .expect(422);
      expect(answer.body.errors[0].field).toBe('status');
    }
  });

  it('is refused for a thing named in the body that does not exist', async () => {
    const unknownOrganization = newTeam({ organization_id: 'nobody' });
    const unknownGroup = newTeam({ model_groups: ['nothing'] });
    const create = (body: object) => service.call('post', '/api/teams/create', { body }).expect(404);
    expect((await create(unknownOrganization)).body.code).toBe('organization_not_found');
    expect((await create(unknownGroup)).body.code).toBe('model_group_not_found');
  });
});
