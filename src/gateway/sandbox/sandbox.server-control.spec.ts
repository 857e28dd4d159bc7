import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.server.js';

const BODY = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello world' }] };

const started: Sandbox[] = [];

async function start(options?: SandboxOptions): Promise<Sandbox> {
  const one = await startSandbox(options);
  started.push(one);
  return one;
}

function post(sandbox: Sandbox, body: object, headers: Record<string, string> = {}) {
  const url = `${sandbox.baseUrl}/v1/chat/completions`;
  return fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

describe('the key of a sandbox', () => {
  it.each([
    ['another key', { authorization: 'Bearer sk-wrong-key9' }, 'sk-...key9'],
    ['no key', {}, 'No api key passed in'],
    ['another scheme', { authorization: 'Basic sk-right' }, 'No api key passed in'],
  ])('is refused as LiteLLM does for %s', async (_, headers: Record<string, string>, text) => {
    const guarded = await start({ apiKey: 'sk-right' });
    const response = await post(guarded, BODY, headers);

    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: { message: expect.stringContaining(text), type: 'auth_error', param: 'None', code: '401' },
    });
    expect(response.headers.get('x-litellm-response-cost')).toBe('0');
    expect((await fetch(`${guarded.baseUrl}/v1/models`, { headers })).status).toBe(401);
  });

  it('opens, and is kept nowhere', async () => {
    const guarded = await start({ apiKey: 'sk-right' });
    const headers = { authorization: 'Bearer sk-right' };
    const response = await post(guarded, BODY, headers);

    expect(response.status).toBe(200);
    expect((await fetch(`${guarded.baseUrl}/v1/models`, { headers })).status).toBe(200);
    expect(JSON.stringify(guarded.served)).not.toContain('sk-right');
  });

  it('is not asked for by a health check', async () => {
    const guarded = await start({ apiKey: 'sk-right' });
    expect((await fetch(`${guarded.baseUrl}/health/readiness`)).status).toBe(200);
  });
});

describe('a sandbox in a test', () => {
  it('tells what it was asked', async () => {
    const sandbox = await start();
    const body = { ...BODY, user: 'team-1' };
    await post(sandbox, body, { 'x-litellm-tags': 'team:team-1', authorization: 'Bearer sk-1' });

    const headers = sandbox.served[0]?.headers;
    expect(sandbox.served).toEqual([
      { model: 'gpt-4o', path: '/v1/chat/completions', headers: expect.anything(), body, status: 200 },
    ]);
    expect(headers).toMatchObject({ 'x-litellm-tags': 'team:team-1', authorization: '[redacted]' });
    expect([sandbox.servedCount(), sandbox.servedCount('gpt-4o'), sandbox.servedCount('gpt-4')]).toEqual([
      1, 1, 0,
    ]);

    sandbox.reset();
    expect([sandbox.servedCount(), sandbox.servedCount('gpt-4o'), sandbox.served.length]).toEqual([0, 0, 0]);
  });

  it('takes the port that it is given, and gives it back when it is stopped', async () => {
    const sandbox = await start();
    const { port } = sandbox;
    await sandbox.stop();

    const second = await start({ port });
    expect(second.baseUrl).toBe(`http://127.0.0.1:${String(port)}`);
    expect((await fetch(`${second.baseUrl}/health/readiness`)).status).toBe(200);
  });

  it('says that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    await expect(startSandbox({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    other.close();
  });

  it('may be stopped twice', async () => {
    const sandbox = await start();
    await Promise.all([sandbox.stop(), sandbox.stop()]);
    await expect(fetch(sandbox.baseUrl)).rejects.toThrow();
  });
});
