import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import {
  completeJob,
  expectBalance,
  makeJob,
  makeTeam,
  MESSAGES,
  type TestTeam,
  WORKING_MODEL,
} from '../support/factories.js';
import {
  type CallOptions,
  ledgerDifferences,
  startTestService,
  type TestService,
} from '../support/service.js';
import { contentOf, framesOf, openStream } from '../support/streams.js';

/** What names the model, its maker or the upstream. */
const SECRETS = ['gpt', 'litellm', 'provider', '127.0.0.1', 'exception', 'cost', 'system_fingerprint'];

const TOOL = {
  type: 'function',
  function: {
    name: 'get_invoice',
    parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
  },
};

const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

let service: TestService;

beforeAll(async () => {
  service = await startTestService({
    environment: {
      ATTEMPT_TIMEOUT_MS: '3000',
      CALL_TIMEOUT_MS: '8000',
      MAX_BODY_BYTES: '40000',
      MAX_CALL_BODY_BYTES: '60000',
    },
  });
});
afterAll(async () => {
  expect(await ledgerDifferences(service.database.url)).toEqual([]);
  await service.stop();
});

function ask(team: TestTeam, path: string, body: object, headers: Record<string, string> = {}) {
  return service.call('post', path, { key: team.key, body: { model: team.groups[0], ...body } }).set(headers);
}

const chat = (team: TestTeam, body: object = {}, headers: Record<string, string> = {}) =>
  ask(team, '/v1/chat/completions', { messages: MESSAGES, ...body }, headers);

async function jobOf(team: TestTeam, headers: Record<string, unknown>): Promise<unknown> {
  const path = `/api/jobs/${String(headers['x-job-id'])}`;
  return (await service.call('get', path, { key: team.key, query: { expand: 'calls' } }).expect(200)).body;
}

/** All of an answer that is not the model's own text. */
function shellOf(answer: { text: string; headers: object }, content: string): string {
  return `${answer.text.replaceAll(JSON.stringify(content).slice(1, -1), '')} ${JSON.stringify(answer.headers)}`.toLowerCase();
}

describe('a chat completion', () => {
  it('has the shape of OpenAI, with ids of ours and the group as its model', async () => {
    const team = await makeTeam(service);
    const answer = await chat(team).expect(200);
    const usage = answer.body.usage as { prompt_tokens: number; completion_tokens: number };
    expect(answer.body).toEqual({
      id: `chatcmpl-${answer.headers['x-call-id']}`,
      object: 'chat.completion',
      created: expect.any(Number),
      model: team.groups[0],
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: expect.stringContaining('sandbox'), refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: expect.any(Number),
        total_tokens: usage.prompt_tokens + usage.completion_tokens,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    });
  });

  it('is a job of its own, completed and charged one credit', async () => {
    const team = await makeTeam(service);
    const { headers } = await chat(team, { user: 'ann', metadata: { page: '7' } }).expect(200);
    expect(headers).toMatchObject({ 'x-credits-held': '1', 'x-credits-available': '99' });
    expect(await jobOf(team, headers)).toMatchObject({
      status: 'completed',
      job_type: 'chat_completion',
      user_id: 'ann',
      calls: [{ call_id: headers['x-call-id'], call_metadata: { page: '7' } }],
    });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('is a job of the type and the user that the headers say', async () => {
    const team = await makeTeam(service);
    const said = { 'X-Job-Type': 'contract_review', 'X-User-Id': 'bob' };
    const { headers } = await chat(team, { user: 'ann' }, said).expect(200);
    expect(await jobOf(team, headers)).toMatchObject({ job_type: 'contract_review', user_id: 'bob' });
  });

  it('is free where it has failed', async () => {
    const team = await makeTeam(service, { groups: [['fault-status-500']] });
    const answer = await chat(team).expect(502);
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(await jobOf(team, answer.headers)).toMatchObject({ status: 'failed' });
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it.each(['header', 'path'])('goes into the job that the %s names, which stays open', async (where) => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const answer =
      where === 'header'
        ? await chat(team, {}, { 'X-Job-Id': jobId }).expect(200)
        : await ask(team, `/api/jobs/${jobId}/openai/v1/chat/completions`, { messages: MESSAGES }).expect(
            200,
          );
    expect(answer.headers).toMatchObject({ 'x-job-id': jobId });
    expect(await jobOf(team, answer.headers)).toMatchObject({ status: 'in_progress', job_type: 'demo' });
    await expectBalance(service, team, { allocated: 100, used: 0, held: 1 });
  });

  it('is made for the team that the admin names', async () => {
    const team = await makeTeam(service);
    const body = { model: team.groups[0], messages: MESSAGES };
    const path = '/v1/chat/completions';
    const none = await service.call('post', path, { body }).expect(400);
    expect(none.body.error).toMatchObject({ param: 'X-Team-Id', code: 'validation_failed' });
    await service.call('post', path, { body }).set('X-Team-Id', team.teamId).expect(200);
    await service.call('post', path, { body }).set('X-Team-Id', 'no-such-team').expect(404);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('calls tools, and takes what they return', async () => {
    const team = await makeTeam(service);
    const asked = { role: 'user', content: 'Please call get_invoice for me' };
    const first = await chat(team, { messages: [asked], tools: [TOOL] }).expect(200);
    const { message, finish_reason } = first.body.choices[0];
    expect(finish_reason).toBe('tool_calls');
    expect(message).toMatchObject({
      content: null,
      tool_calls: [{ type: 'function', function: { name: 'get_invoice' } }],
    });
    const tool = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'paid-4711' };
    const second = await chat(team, { messages: [asked, message, tool], tools: [TOOL] }).expect(200);
    expect(second.body.choices[0].message.content).toContain('paid-4711');
  });

  it('answers by a JSON schema', async () => {
    const team = await makeTeam(service);
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'place', schema: SCHEMA, strict: true },
    };
    const answer = await chat(team, { response_format }).expect(200);
    const content = JSON.parse(answer.body.choices[0].message.content);
    expect(content).toEqual({ city: expect.any(String) });
  });

  it('takes what clients send to say that they want nothing special', async () => {
    const team = await makeTeam(service);
    await chat(team, { store: false, service_tier: 'auto', stream: false, tools: null, user: null }).expect(
      200,
    );
  });

  it('names neither model, maker, host nor cost in any byte', async () => {
    const team = await makeTeam(service, { groups: [[WORKING_MODEL]] });
    const answer = await chat(team).expect(200);
    const shell = shellOf(answer, answer.body.choices[0].message.content);
    for (const secret of SECRETS) expect(shell).not.toContain(secret);
  });
});

describe('a streamed chat completion', () => {
  async function stream(team: TestTeam, body: object = {}) {
    const answer = await openStream(service, '/v1/chat/completions', {
      key: team.key,
      body: { model: team.groups[0], messages: MESSAGES, stream: true, ...body },
    });
    return { headers: answer.headers, status: answer.status, text: await answer.text() };
  }

  it('says the same as one that is not, in chunks, and is charged the same', async () => {
    const team = await makeTeam(service);
    const whole = (await chat(team).expect(200)).body.choices[0].message.content;
    const { headers, text } = await stream(team);
    expect(headers.get('content-type')).toContain('text/event-stream');
    const frames = framesOf(text);
    expect(contentOf(frames)).toBe(whole);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(new Set(frames.map(({ id }) => id))).toEqual(new Set([`chatcmpl-${headers.get('x-call-id')}`]));
    expect(new Set(frames.map(({ model }) => model))).toEqual(new Set([team.groups[0]]));
    await expectBalance(service, team, { allocated: 100, used: 2, held: 0 });
  });

  it('tells the usage only if it was asked for', async () => {
    const team = await makeTeam(service);
    const plain = framesOf((await stream(team)).text);
    expect(plain.some(({ usage }) => usage !== undefined)).toBe(false);
    const asked = framesOf((await stream(team, { stream_options: { include_usage: true } })).text);
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
    expect(asked.filter(({ usage }) => usage !== undefined)).toHaveLength(1);
  });

  it('that fails before its first chunk is an error with its status', async () => {
    const team = await makeTeam(service, { groups: [['fault-status-500']] });
    const { status, text } = await stream(team);
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'api_error', code: 'upstream_failed' } });
  });

  it('that breaks off ends with an error in it, and is free', async () => {
    const team = await makeTeam(service, { groups: [['fault-late-error']] });
    const { status, text } = await stream(team);
    expect(status).toBe(200);
    expect(framesOf(text).at(-1)?.error).toMatchObject({ type: 'api_error' });
    expect(text).not.toContain('[DONE]');
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });
});

describe('a response', () => {
  const respond = (team: TestTeam, body: object, headers: Record<string, string> = {}) =>
    ask(team, '/v1/responses', body, headers);

  it('has the shape of OpenAI, and nothing of it is stored', async () => {
    const team = await makeTeam(service);
    const answer = await respond(team, {
      input: 'How do I reset my password?',
      instructions: 'Be brief.',
    }).expect(200);
    expect(answer.body).toMatchObject({
      id: `resp_${answer.headers['x-call-id']}`,
      object: 'response',
      status: 'completed',
      model: team.groups[0],
      store: false,
      instructions: 'Be brief.',
      output: [
        {
          id: `msg_${answer.headers['x-call-id']}`,
          role: 'assistant',
          content: [{ type: 'output_text', text: expect.stringContaining('sandbox') }],
        },
      ],
    });
    const shell = shellOf(answer, answer.body.output[0].content[0].text);
    for (const secret of SECRETS) expect(shell).not.toContain(secret);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('says what a chat completion of the same messages says', async () => {
    const team = await makeTeam(service);
    const { body } = await respond(team, { input: MESSAGES }).expect(200);
    const completion = (await chat(team).expect(200)).body;
    expect(body.output[0].content[0].text).toBe(completion.choices[0].message.content);
    expect(body.usage.total_tokens).toBe(completion.usage.total_tokens);
  });

  it('calls functions, and goes on when all of it is sent back', async () => {
    const team = await makeTeam(service);
    const { type, function: definition } = TOOL;
    const tools = [{ type, ...definition }];
    const asked = { role: 'user', content: 'Please call get_invoice for me' };
    const first = await respond(team, { input: [asked], tools }).expect(200);
    const [call] = first.body.output;
    expect(call).toMatchObject({ type: 'function_call', name: 'get_invoice', status: 'completed' });
    const output = { type: 'function_call_output', call_id: call.call_id, output: 'paid-4711' };
    const second = await respond(team, { input: [asked, ...first.body.output, output], tools }).expect(200);
    expect(second.body.output[0].content[0].text).toContain('paid-4711');
  });

  it('answers by a JSON schema', async () => {
    const team = await makeTeam(service);
    const text = { format: { type: 'json_schema', name: 'place', schema: SCHEMA, strict: true } };
    const answer = await respond(team, { input: 'Where?', text }).expect(200);
    expect(JSON.parse(answer.body.output[0].content[0].text)).toEqual({ city: expect.any(String) });
  });

  it('streams its events, numbered, to a last one that has all of it', async () => {
    const team = await makeTeam(service);
    const opened = await openStream(service, '/v1/responses', {
      key: team.key,
      body: { model: team.groups[0], input: 'Hello', stream: true },
    });
    const events = framesOf(await opened.text()) as unknown as {
      type: string;
      sequence_number: number;
      delta?: string;
      response?: { status: string; output: { content: { text: string }[] }[] };
    }[];
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events[0]?.type).toBe('response.created');
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
    expect(deltas.length).toBeGreaterThan(1);
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'response.completed', response: { status: 'completed' } });
    expect(deltas.map(({ delta }) => delta).join('')).toBe(last?.response?.output[0]?.content[0]?.text);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('that breaks off fails in its last event', async () => {
    const team = await makeTeam(service, { groups: [['fault-late-error']] });
    const opened = await openStream(service, '/v1/responses', {
      key: team.key,
      body: { model: team.groups[0], input: 'Hello', stream: true },
    });
    const text = await opened.text();
    expect(framesOf(text).at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } });
    for (const secret of SECRETS) expect(text.toLowerCase()).not.toContain(secret);
  });

  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ prompt: { id: 'p' } }, 'prompt'],
    [{ store: true }, 'store'],
    [{ truncation: 'auto' }, 'truncation'],
    [{ include: ['file_search_call.results'] }, 'include'],
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ max_output_tokens: 0 }, 'max_output_tokens'],
    [{ colour: 'red' }, 'colour'],
  ])('is refused with a reason for what it cannot have: %j', async (body, param) => {
    const team = await makeTeam(service);
    const answer = await respond(team, { input: 'Hello', ...body }).expect(400);
    expect(answer.body.error).toMatchObject({
      type: 'invalid_request_error',
      param,
      code: 'validation_failed',
    });
    expect(answer.body.error.message).toContain(param);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });
});

describe('embeddings', () => {
  const embed = (team: TestTeam, body: object) => ask(team, '/v1/embeddings', body);

  it('have the shape of OpenAI, and are a job of their own', async () => {
    const team = await makeTeam(service);
    const answer = await embed(team, { input: ['Hello', 'World'], dimensions: 8 }).expect(200);
    expect(answer.body).toMatchObject({
      object: 'list',
      model: team.groups[0],
      data: [
        { object: 'embedding', index: 0 },
        { object: 'embedding', index: 1 },
      ],
    });
    for (const { embedding } of answer.body.data) expect(embedding).toHaveLength(8);
    const { prompt_tokens, total_tokens } = answer.body.usage;
    expect(prompt_tokens).toBeGreaterThan(0);
    expect(total_tokens).toBe(prompt_tokens);
    expect(await jobOf(team, answer.headers)).toMatchObject({ status: 'completed', job_type: 'embedding' });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('are the same as numbers and as base64', async () => {
    const team = await makeTeam(service);
    const input = 'Hello';
    const numbers = (await embed(team, { input, dimensions: 8 }).expect(200)).body.data[0]
      .embedding as number[];
    const packed = (await embed(team, { input, dimensions: 8, encoding_format: 'base64' }).expect(200)).body;
    const bytes = Buffer.from(packed.data[0].embedding as string, 'base64');
    expect(bytes).toHaveLength(32);
    for (const [index, number] of numbers.entries())
      expect(bytes.readFloatLE(index * 4)).toBeCloseTo(number, 6);
  });

  it.each([[[1, 2, 3]], [[[1, 2], [3]]]])('take tokens: %j', async (input) => {
    const team = await makeTeam(service);
    await embed(team, { input }).expect(200);
  });

  it.each([[''], [[]], [['a', '']], [7], [[[]]]])('of %j are refused', async (input) => {
    const team = await makeTeam(service);
    const answer = await embed(team, { input }).expect(400);
    expect(answer.body.error.param).toBe('input');
  });
});

describe('the models', () => {
  const get = (path: string, options: CallOptions) => service.call('get', path, options);

  it('are the groups of the team that are active', async () => {
    const team = await makeTeam(service, { groups: [['gpt-4o'], ['gpt-4o-mini'], ['gpt-4']] });
    await service
      .call('put', `/api/model-groups/${team.groups[2]!}`, { body: { status: 'inactive' } })
      .expect(200);
    const answer = await get('/v1/models', { key: team.key }).expect(200);
    const ids = (answer.body.data as { id: string }[]).map(({ id }) => id);
    expect(ids.sort()).toEqual([team.groups[0]!, team.groups[1]!].sort());
    expect(answer.body.data[0]).toMatchObject({
      object: 'model',
      owned_by: 'system',
      created: expect.any(Number),
    });
    for (const secret of SECRETS) expect(answer.text.toLowerCase()).not.toContain(secret);
  });

  it('answer the same for a group of others as for one that does not exist', async () => {
    const team = await makeTeam(service);
    const other = await makeTeam(service);
    const own = await get(`/v1/models/${team.groups[0]!}`, { key: team.key }).expect(200);
    expect(own.body.id).toBe(team.groups[0]);
    const name = other.groups[0]!;
    const others = await get(`/v1/models/${name}`, { key: team.key }).expect(404);
    const missing = await get(`/v1/models/no-such-group`, { key: team.key }).expect(404);
    expect(others.text.replaceAll(name, 'no-such-group')).toBe(missing.text);
  });

  it('are those of the team of the job, for the admin, too', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const { body } = await get(`/api/jobs/${jobId}/openai/v1/models`, {}).expect(200);
    expect(body.data).toMatchObject([{ id: team.groups[0] }]);
    await get('/v1/models', {}).expect(400);
    await get('/v1/models', {}).set('X-Team-Id', 'no-such-team').expect(404);
  });
});

describe('an error in the shape of OpenAI', () => {
  it.each<[string, number, string, string, (team: TestTeam) => Promise<{ status: number; body: unknown }>]>([
    [
      'a bad field',
      400,
      'invalid_request_error',
      'validation_failed',
      (team) => chat(team, { temperature: 3 }),
    ],
    [
      'a missing key',
      401,
      'authentication_error',
      'unauthenticated',
      () => service.call('post', '/v1/chat/completions', { key: null, body: {} }),
    ],
    [
      'a group of others',
      403,
      'permission_error',
      'model_group_forbidden',
      (team) => chat(team, { model: 'other' }),
    ],
    [
      'another team',
      403,
      'permission_error',
      'other_team',
      (team) => chat(team, {}, { 'X-Team-Id': 'other' }),
    ],
    ['no such job', 404, 'not_found_error', 'job_not_found', (team) => chat(team, {}, { 'X-Job-Id': v7() })],
    [
      'a job id that is none',
      404,
      'not_found_error',
      'job_not_found',
      (team) => chat(team, {}, { 'X-Job-Id': 'x' }),
    ],
    [
      'no such route',
      404,
      'not_found_error',
      'route_not_found',
      (team) => service.call('post', '/v1/completions', { key: team.key, body: {} }),
    ],
    [
      'no such route of a job',
      404,
      'not_found_error',
      'route_not_found',
      (team) => service.call('get', `/api/jobs/${v7()}/openai/v1/files`, { key: team.key }),
    ],
    [
      'another method',
      405,
      'invalid_request_error',
      'method_not_allowed',
      (team) => service.call('get', '/v1/chat/completions', { key: team.key }),
    ],
    [
      'a large body',
      413,
      'invalid_request_error',
      'body_too_large',
      (team) => chat(team, { messages: [{ role: 'user', content: 'x'.repeat(60_000) }] }),
    ],
    [
      'what a provider refuses',
      400,
      'invalid_request_error',
      'upstream_rejected_request',
      async () => chat(await makeTeam(service, { groups: [['fault-bad-request']] })),
    ],
    [
      'failing models',
      502,
      'api_error',
      'upstream_failed',
      async () => chat(await makeTeam(service, { groups: [['fault-reset']] })),
    ],
    [
      'silent models',
      504,
      'api_error',
      'upstream_timeout',
      async () => chat(await makeTeam(service, { groups: [['fault-hang']] })),
    ],
    [
      'no credits',
      402,
      'insufficient_quota',
      'insufficient_credits',
      async () => chat(await makeTeam(service, { credits: 0 })),
    ],
  ])('tells %s: %d %s %s', async (_, status, type, code, send) => {
    const answer = await send(await makeTeam(service));
    expect([answer.status, answer.body]).toEqual([
      status,
      {
        error: {
          message: expect.stringMatching(/\.$/),
          type,
          param: code === 'validation_failed' ? 'temperature' : null,
          code,
        },
      },
    ]);
  });

  it('has its id in the header that clients read, and is JSON', async () => {
    const team = await makeTeam(service);
    const answer = await chat(team, { colour: 1, taste: 2 }).set('x-request-id', 'mine').expect(400);
    expect(answer.headers).toMatchObject({
      'x-request-id': 'mine',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(answer.body.error).toMatchObject({ param: 'colour', message: expect.stringContaining('taste') });
  });

  it('tells of broken JSON and of other types of bodies', async () => {
    const team = await makeTeam(service);
    const send = (type: string, text: string) =>
      service.call('post', '/v1/responses', { key: team.key }).set('content-type', type).send(text);
    expect((await send('application/json', '{').expect(400)).body.error.code).toBe('malformed_json');
    expect((await send('text/plain', 'a').expect(415)).body.error.code).toBe('unsupported_media_type');
  });

  it('tells of a job that has ended, and not to ask again', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    await completeJob(service, team, jobId);
    const answer = await chat(team, {}, { 'X-Job-Id': jobId }).expect(409);
    expect(answer.body.error).toMatchObject({ type: 'conflict_error', code: 'job_not_open' });
    expect(answer.headers['x-should-retry']).toBe('false');
  });

  it('tells nothing of the upstream', async () => {
    const team = await makeTeam(service, { groups: [['fault-context-window']] });
    const answer = await chat(team).expect(400);
    const seen = JSON.stringify([answer.body, answer.headers]).toLowerCase();
    for (const secret of [...SECRETS, 'fault-', 'sandbox']) expect(seen).not.toContain(secret);
  });
});

describe('a base URL without /v1', () => {
  it.each(['', '/v1'])('works as one that ends in it: %j', async (base) => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    for (const start of ['', `/api/jobs/${jobId}/openai`]) {
      for (const [path, body] of [
        ['/chat/completions', { messages: MESSAGES }],
        ['/responses', { input: 'Hello' }],
        ['/embeddings', { input: 'Hello' }],
        ['/models', null],
        [`/models/${team.groups[0]!}`, null],
      ] as const) {
        const answer = await fetch(`${service.baseUrl}${start}${base}${path}`, {
          method: body === null ? 'GET' : 'POST',
          headers: { authorization: `Bearer ${team.key}`, 'content-type': 'application/json' },
          ...(body !== null && { body: JSON.stringify({ model: team.groups[0], ...body }) }),
        });
        expect([start + base + path, answer.status]).toEqual([start + base + path, 200]);
      }
    }
  });
});

describe('a prompt', () => {
  it('may be larger than other bodies, at every base URL', async () => {
    const team = await makeTeam(service);
    const jobId = await makeJob(service, team);
    const text = 'word '.repeat(9_000);
    const send = (path: string, body: object) =>
      fetch(`${service.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${team.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: team.groups[0], ...body }),
      }).then((answer) => [path, answer.status]);
    for (const base of ['', '/v1', `/api/jobs/${jobId}/openai`, `/api/jobs/${jobId}/openai/v1`]) {
      const messages = [{ role: 'user', content: text }];
      expect(await send(`${base}/chat/completions`, { messages })).toEqual([`${base}/chat/completions`, 200]);
      expect(await send(`${base}/responses`, { input: text })).toEqual([`${base}/responses`, 200]);
      expect(await send(`${base}/embeddings`, { input: text })).toEqual([`${base}/embeddings`, 200]);
    }
    expect(await send('/api/jobs/create', { job_type: text })).toEqual(['/api/jobs/create', 413]);
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    ['/v1/chat/completions', { messages: MESSAGES }],
    ['/v1/responses', { input: 'Hello' }],
    ['/v1/embeddings', { input: 'Hello' }],
  ])('with %s gets the same bytes again and is charged once', async (path, body) => {
    const team = await makeTeam(service);
    const key = { 'Idempotency-Key': v7() };
    const first = await ask(team, path, body, key).expect(200);
    const again = await ask(team, path, body, key).expect(200);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'x-job-id': first.headers['x-job-id'],
      'x-call-id': first.headers['x-call-id'],
    });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it.each(['/v1/chat/completions', '/v1/responses'])(
    'with a stream of %s gets all of it again',
    async (path) => {
      const team = await makeTeam(service);
      const body = { model: team.groups[0], messages: MESSAGES, input: 'Hello', stream: true };
      const { messages, input, ...rest } = body;
      const sent = { ...rest, ...(path.endsWith('responses') ? { input } : { messages }) };
      const options = { key: team.key, body: sent, headers: { 'Idempotency-Key': v7() } };
      const first = await (await openStream(service, path, options)).text();
      const again = await openStream(service, path, options);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(await again.text()).toBe(first);
      await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
    },
  );

  it('with an error gets the same error again, in the same shape', async () => {
    const team = await makeTeam(service, { groups: [['fault-status-500']] });
    const key = { 'Idempotency-Key': v7() };
    const first = await chat(team, {}, key).expect(502);
    const again = await chat(team, {}, key).expect(502);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'content-type': first.headers['content-type'],
      'x-should-retry': 'false',
    });
  });

  it('is another request where a header says another job', async () => {
    const team = await makeTeam(service);
    const key = { 'Idempotency-Key': v7() };
    await chat(team, {}, { ...key, 'X-Job-Type': 'a' }).expect(200);
    const other = await chat(team, {}, { ...key, 'X-Job-Type': 'b' }).expect(400);
    expect(other.body.error.code).toBe('idempotency_key_reused');
    expect(other.headers['x-should-retry']).toBe('false');
  });
});
