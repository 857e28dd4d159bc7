import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type SandboxErrorBody } from './sandbox.errors.js';
import { type Sandbox, startSandbox } from './sandbox.server.js';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.stop());

function bodyFor(model: string): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello world' }] });
}

function ask(model: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${sandbox.baseUrl}/v1/chat/completions`, { method: 'POST', body: bodyFor(model), headers });
}

function send(model: string): ClientRequest {
  const request = httpRequest(`${sandbox.baseUrl}/v1/chat/completions`, { method: 'POST', agent: false });
  request.end(bodyFor(model));
  return request;
}

async function errorIn(response: Response): Promise<SandboxErrorBody['error']> {
  return ((await response.json()) as SandboxErrorBody).error;
}

/** Waits until the sandbox has taken that many requests. */
async function served(count: number): Promise<void> {
  while (sandbox.servedCount() < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('faults that are errors', () => {
  it.each([
    // Beginnings and types as LiteLLM 1.106.2 answered them, but for the types of 404, 408 and 422.
    ['fault-status-400', 400, 'litellm.BadRequestError: Sandbox', 'invalid_request_error'],
    ['fault-status-403', 403, 'litellm.APIError: APIError: Sandbox', 'permission_error'],
    ['fault-status-404', 404, 'litellm.NotFoundError: NotFoundError: Sandbox', null],
    ['fault-status-408', 408, 'litellm.Timeout: Timeout Error: Sandbox', null],
    ['fault-status-422', 422, 'litellm.BadRequestError: Sandbox', null],
    ['fault-status-429', 429, 'litellm.RateLimitError: RateLimitError: Sandbox', 'throttling_error'],
    ['fault-status-500', 500, 'litellm.InternalServerError: InternalServerError: ', 'internal_server_error'],
    ['fault-status-502', 502, 'litellm.BadGatewayError: BadGatewayError: Sandbox', 'internal_server_error'],
    ['fault-status-503', 503, 'litellm.ServiceUnavailableError: Service', 'internal_server_error'],
    ['fault-status-504', 504, 'litellm.Timeout: Timeout Error: Sandbox', 'internal_server_error'],
    ['fault-status-529', 529, 'litellm.APIError: APIError: Sandbox', 'internal_server_error'],
    ['fault-rate-limit-7', 429, 'litellm.RateLimitError: RateLimitError: Sandbox', 'throttling_error'],
    ['fault-delay-5+status-500', 500, 'litellm.InternalServerError: ', 'internal_server_error'],
    [
      'fault-context-window',
      400,
      'litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: Sandbox',
      'invalid_request_error',
    ],
    [
      'fault-content-policy',
      400,
      'litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: Sandbox',
      'invalid_request_error',
    ],
    ['fault-provider-auth', 401, 'litellm.AuthenticationError: Authentication', 'authentication_error'],
    ['fault-bad-request', 400, 'The request is not valid', 'invalid_request_error'],
    ['fault-auth', 401, 'Authentication Error, Invalid proxy server token passed.', 'auth_error'],
    ['fault-invalid-model', 400, '/chat/completions: Invalid model name passed in', 'invalid_request_error'],
    ['fault-nonsense', 400, 'Unknown fault "nonsense". Known faults', 'invalid_request_error'],
  ])('%s answers %d as LiteLLM does', async (model, status, begin, type) => {
    const response = await ask(model);
    const error = await errorIn(response);

    expect(response.status).toBe(status);
    expect(Object.keys(error).slice(0, 4)).toEqual(['message', 'type', 'param', 'code']);
    expect(error.message.slice(0, begin.length)).toBe(begin);
    expect(error.type).toBe(type);
    expect(error.code).toBe(String(status));
    expect(response.headers.get('x-litellm-response-cost')).toBe('0');
    expect(response.headers.has('x-litellm-call-id')).toBe(true);
    expect(response.headers.has('x-litellm-model-id')).toBe(false);
    expect(sandbox.served.at(-1)?.status).toBe(status);
  });

  it('name the provider and the model, so that a leak of either is found', async () => {
    const { message } = await errorIn(await ask('fault-status-500'));

    expect(message).toContain('provider.sandbox.invalid');
    expect(message).toContain("model group 'fault-status-500'");
  });

  it('repeat the message of an unknown model beside it, as LiteLLM does', async () => {
    const message =
      '/chat/completions: Invalid model name passed in model=gpt-9. ' +
      'Call `/v1/models` to view available models for your key.';

    expect(await errorIn(await ask('gpt-9', { 'x-sandbox-fault': 'invalid-model' }))).toEqual({
      message,
      type: 'invalid_request_error',
      param: null,
      code: '400',
      provider_specific_fields: { error: message },
    });
  });

  it('say when to come back only if they were asked to', async () => {
    expect((await ask('fault-rate-limit-7')).headers.get('retry-after')).toBe('7');
    expect((await ask('fault-status-429')).headers.get('retry-after')).toBeNull();
  });

  it('can be put on any model by the header', async () => {
    const response = await ask('gpt-4o', { 'x-sandbox-fault': 'status-503' });

    expect(response.status).toBe(503);
    expect((await errorIn(response)).message).toContain("model group 'gpt-4o'");
  });
});

describe('faults of the first requests', () => {
  it('end after as many, for each model name by itself', async () => {
    const statuses: number[] = [];
    for (const model of ['one', 'one', 'two', 'one', 'two', 'two']) {
      statuses.push((await ask(model, { 'x-sandbox-fault': 'first-2-status-429' })).status);
    }

    expect(statuses).toEqual([429, 429, 429, 200, 429, 200]);
  });

  it('begin again after a reset', async () => {
    const model = 'fault-first-1-status-500';
    const before = [(await ask(model)).status, (await ask(model)).status];
    sandbox.reset();

    expect([...before, (await ask(model)).status]).toEqual([500, 200, 500]);
  });

  it('are followed by another fault where one is joined', async () => {
    const model = 'fault-first-1-status-500+status-400';
    expect([(await ask(model)).status, (await ask(model)).status]).toEqual([500, 400]);
  });
});

describe('faults of a normal answer', () => {
  it('leave the usage out, and still tell the cost', async () => {
    const response = await ask('fault-no-usage');
    const body = await response.json();

    expect(body).not.toHaveProperty('usage');
    expect(body).toHaveProperty('choices');
    expect(Number(response.headers.get('x-litellm-response-cost'))).toBeGreaterThan(0);
  });

  it('leave the choices out, or their content', async () => {
    const without = await (await ask('fault-no-choices')).json();
    const empty = await (await ask('fault-null-content')).json();

    expect(without).not.toHaveProperty('choices');
    expect(without).toMatchObject({ usage: { prompt_tokens: 9 } });
    expect(empty).toMatchObject({ choices: [{ message: { role: 'assistant', content: null } }] });
  });

  it('leave the cost out, on errors too', async () => {
    expect((await ask('fault-no-cost')).headers.has('x-litellm-response-cost')).toBe(false);
    expect((await ask('fault-no-cost+status-500')).headers.has('x-litellm-response-cost')).toBe(false);
  });

  it.each(['NaN', '-1', '1e400', 'Infinity', ''])('send the cost %j', async (text) => {
    expect((await ask(`fault-cost-${text}`)).headers.get('x-litellm-response-cost')).toBe(text);
  });

  it('send JSON that is none', async () => {
    const response = await ask('fault-malformed');
    const text = await response.text();

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(JSON.parse(`${text}}`)).toMatchObject({ object: 'chat.completion' });
  });

  it('send a page of HTML without the headers of the proxy', async () => {
    const response = await ask('fault-html');

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.has('x-litellm-response-cost')).toBe(false);
    expect(await response.text()).toContain('<html>');
  });
});

describe('faults of the connection', () => {
  it('let an answer wait while others are given', async () => {
    const order: string[] = [];
    const delayed = ask('fault-delay-300').then((response) =>
      order.push(`delayed ${String(response.status)}`),
    );
    await served(1);
    await ask('gpt-4o').then((response) => order.push(`normal ${String(response.status)}`));
    await delayed;

    expect(order).toEqual(['normal 200', 'delayed 200']);
  });

  it('take a request and never answer it, until the server stops', async () => {
    const request = send('fault-hang');
    const ended = once(request, 'response').then(
      () => 'answered',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    await served(1);
    expect(await Promise.race([ended, ask('gpt-4o').then(() => 'others go on')])).toBe('others go on');
    expect(sandbox.served[0]?.status).toBeNull();

    await sandbox.stop();
    expect(await ended).toBe('ECONNRESET');
  });

  it('send half of a body and then nothing, until the server stops', async () => {
    const [response] = (await once(send('fault-hang-body'), 'response')) as [IncomingMessage];
    const half = Math.floor(Number(response.headers['content-length']) / 2);
    let received = 0;
    response.on('data', (chunk: Buffer) => (received += chunk.byteLength));
    const ended = once(response, 'end').then(
      () => 'ended',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    expect(await Promise.race([ended, ask('gpt-4o').then(() => 'others go on')])).toBe('others go on');

    expect(response.statusCode).toBe(200);
    expect(response.headers['x-litellm-response-cost']).toBeDefined();
    expect(sandbox.served[0]?.status).toBe(200);
    await sandbox.stop();
    expect(await ended).toBe('ECONNRESET');
    expect(half).toBeGreaterThan(100);
    expect(received).toBe(half);
  });

  it('send half of a body and close the connection', async () => {
    const [response] = (await once(send('fault-cut'), 'response')) as [IncomingMessage];
    const half = Math.floor(Number(response.headers['content-length']) / 2);
    let received = 0;
    response.on('data', (chunk: Buffer) => (received += chunk.byteLength));

    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(received).toBe(half);
  });

  it('reset the connection before any byte', async () => {
    const request = send('fault-reset');
    let received = 0;
    request.on('socket', (socket) => socket.on('data', (chunk: Buffer) => (received += chunk.byteLength)));

    await expect(once(request, 'response')).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect(received).toBe(0);
    expect(sandbox.served[0]?.status).toBeNull();
  });

  it('do not keep the server from stopping', async () => {
    const ended = once(send('fault-delay-600000'), 'response').then(
      () => 'answered',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    await served(1);

    // Stopping waits for every request under way; one that slept on would outlast this test.
    await sandbox.stop();
    expect(await ended).toBe('ECONNRESET');
    expect(sandbox.served[0]?.status).toBeNull();
  });
});
