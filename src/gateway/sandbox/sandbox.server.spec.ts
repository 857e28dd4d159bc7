import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type SandboxErrorBody } from './sandbox.errors.js';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.server.js';
import { MAX_BODY_BYTES } from './sandbox.wire.js';

const MESSAGES = [{ role: 'user', content: 'Hello world' }];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let sandbox: Sandbox;
const started: Sandbox[] = [];

/** The parts of a completion that are read here. */
interface CompletionBody {
  id: string;
  created: number;
  model: string;
  choices: unknown[];
}

async function completionIn(response: Response): Promise<CompletionBody> {
  return (await response.json()) as CompletionBody;
}

async function errorIn(response: Response): Promise<SandboxErrorBody['error']> {
  return ((await response.json()) as SandboxErrorBody).error;
}

async function start(options?: SandboxOptions): Promise<Sandbox> {
  const one = await startSandbox(options);
  started.push(one);
  return one;
}

function post(
  body: unknown,
  headers: Record<string, string> = {},
  path = '/v1/chat/completions',
  to = sandbox,
) {
  const bytes =
    body instanceof Uint8Array
      ? new Uint8Array(body)
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return fetch(to.baseUrl + path, { method: 'POST', body: bytes, headers });
}

beforeEach(async () => {
  sandbox = await start();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

describe('a completion over HTTP', () => {
  it.each(['/v1/chat/completions', '/chat/completions', '/v1/chat/completions?api-version=1'])(
    'is answered at %s in the shape of OpenAI',
    async (path) => {
      const before = Math.floor(Date.now() / 1000);
      const response = await post({ model: 'gpt-4o', messages: MESSAGES, max_tokens: 5 }, {}, path);
      const body = await completionIn(response);

      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(body).toEqual({
        id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
        object: 'chat.completion',
        created: expect.any(Number),
        model: 'gpt-4o',
        choices: [
          { index: 0, message: { role: 'assistant', content: expect.any(String) }, finish_reason: 'length' },
        ],
        usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 },
      });
      expect(body.created).toBeGreaterThanOrEqual(before);
      expect(body.created).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    },
  );

  it('has the same text and another id when it is asked for again', async () => {
    const one = await completionIn(await post({ model: 'gpt-4o', messages: MESSAGES }));
    const two = await completionIn(await post({ model: 'gpt-4o', messages: MESSAGES }));

    expect(two.choices).toEqual(one.choices);
    expect(two.id).not.toBe(one.id);
  });

  it('carries the headers of LiteLLM', async () => {
    const response = await post({ model: 'gpt-4o', messages: MESSAGES, max_tokens: 5 });

    // 9 × 2.50 / 1M + 5 × 10 / 1M
    expect(response.headers.get('x-litellm-response-cost')).toBe('0.0000725');
    expect(response.headers.get('x-litellm-call-id')).toMatch(UUID);
    expect(response.headers.get('x-litellm-model-id')).toBe(
      createHash('sha256').update('gpt-4o').digest('hex'),
    );
    expect(response.headers.get('x-litellm-model-group')).toBe('gpt-4o');
    expect(response.headers.get('x-litellm-model-api-base')).toBe(`${sandbox.baseUrl}/v1`);
    expect(response.headers.get('x-litellm-attempted-retries')).toBe('0');
    expect(response.headers.get('x-litellm-attempted-fallbacks')).toBe('0');
  });

  it('writes the smallest cost without an exponent', async () => {
    const response = await post({ model: 'gpt-4o-mini', messages: MESSAGES, stop: ['T', 'Y', 'H'] });

    // Every text begins with one of these letters, so only 9 × 0.15 / 1M are left.
    expect(response.headers.get('x-litellm-response-cost')).toBe('0.00000135');
  });

  it('adopts the call id of the request, also for an error', async () => {
    const headers = { 'x-litellm-call-id': 'attempt-7' };
    const good = await post({ model: 'gpt-4o', messages: MESSAGES }, headers);
    const bad = await post({ model: 'gpt-4o', messages: [] }, headers);

    expect(good.headers.get('x-litellm-call-id')).toBe('attempt-7');
    expect(bad.headers.get('x-litellm-call-id')).toBe('attempt-7');
    expect(bad.headers.get('x-litellm-response-cost')).toBe('0');
  });

  it('takes a model name that no header could carry', async () => {
    const response = await post({ model: 'модель\n1', messages: MESSAGES });

    expect(response.status).toBe(200);
    expect(response.headers.get('x-litellm-model-group')).toBe(encodeURIComponent('модель\n1'));
    expect((await completionIn(response)).model).toBe('модель\n1');
  });

  it('carries the headers that a test puts on every answer, in the place of its own', async () => {
    const other = await start({
      answerHeaders: { 'X-Litellm-Response-Cost': '4', 'llm_provider-retry-after': '9' },
    });
    const completion = await post({ model: 'gpt-4o', messages: MESSAGES }, {}, '/v1/chat/completions', other);
    const missing = await fetch(`${other.baseUrl}/nothing`);

    expect(completion.headers.get('x-litellm-response-cost')).toBe('4');
    for (const response of [completion, missing]) {
      expect(response.headers.get('llm_provider-retry-after')).toBe('9');
    }
  });
});

describe('a request that is wrong', () => {
  it.each([
    ['broken JSON', '{"model":', 'request_body'],
    ['an empty body', '', 'request_body'],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'request_body'],
    ['an array', [], null],
    ['no messages', { model: 'gpt-4o' }, 'messages'],
    ['a text for stream', { model: 'gpt-4o', messages: MESSAGES, stream: 'yes' }, 'stream'],
  ])('gets 400 for %s', async (_, body, param) => {
    const response = await post(body);

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', param, code: '400' },
    });
    expect(sandbox.served.at(-1)?.status).toBe(400);
  });

  it.each([
    ['GET', '/v1/chat/completions'],
    ['GET', '/v1/embeddings'],
    ['POST', '/v1/responses'],
    ['GET', '/'],
  ])('gets 404 for %s %s', async (method, path) => {
    const response = await fetch(sandbox.baseUrl + path, { method });

    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: `Invalid URL (${method} ${path})`,
        type: 'invalid_request_error',
        param: null,
        code: '404',
      },
    });
  });

  it('gets 413 for a body over 32 MiB, while 32 MiB are read', async () => {
    const tooLarge = await post(Buffer.alloc(MAX_BODY_BYTES + 1, ' '));
    const largest = await post(Buffer.alloc(MAX_BODY_BYTES, ' '));

    expect(MAX_BODY_BYTES).toBe(33_554_432);
    expect(tooLarge.status).toBe(413);
    expect((await errorIn(tooLarge)).code).toBe('413');
    expect(largest.status).toBe(400);
  });
});

describe('the other routes', () => {
  it('list the models that have a price', async () => {
    const response = await fetch(`${sandbox.baseUrl}/v1/models`);
    const model = (id: string) => ({ id, object: 'model', created: 1677610602, owned_by: 'sandbox' });

    expect(await response.json()).toEqual({
      object: 'list',
      data: [
        model('gpt-3.5-turbo'),
        model('gpt-4o-mini'),
        model('gpt-4o'),
        model('gpt-4'),
        model('gpt-4-turbo'),
        model('claude-3-5-haiku'),
        model('claude-3-5-sonnet'),
        model('text-embedding-3-small'),
        model('text-embedding-3-large'),
      ],
    });
  });

  it.each(['/health/liveliness', '/health/readiness'])('tell at %s that the server is well', async (path) => {
    expect((await fetch(sandbox.baseUrl + path)).status).toBe(200);
  });

  it('tell how many completions were asked for', async () => {
    await post({ model: 'gpt-4o', messages: MESSAGES });
    await post({ model: 'gpt-4o', messages: [] });
    await post('broken');

    const stats = await (await fetch(`${sandbox.baseUrl}/sandbox/stats`)).json();
    expect(stats).toMatchObject({ total: 3, by_model: { 'gpt-4o': 2 }, by_status: { 200: 1, 400: 2 } });
  });
});
