import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from './sandbox.server.js';

const MESSAGES = [{ role: 'user', content: 'Hello world' }];

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.stop());

function ask(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: MESSAGES, ...body }),
    headers,
  });
}

function stream(model: string, headers: Record<string, string> = {}): Promise<Response> {
  return ask({ model, stream: true }, headers);
}

describe('the faults of a stream', () => {
  it.each([
    ['fault-status-503', 503],
    ['fault-rate-limit-7', 429],
    ['fault-context-window', 400],
    ['fault-auth', 401],
    ['fault-first-1-status-500', 500],
  ])('that end it before its first byte are the usual JSON: %s', async (model, status) => {
    const response = await stream(model);

    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ error: { code: String(status) } });
  });

  it.each([
    'late-error',
    'no-done',
    'usage-early',
    'usage-choice',
    'pings',
    'crlf',
    'split',
    'chunk-delay-5',
  ])('are refused where there is no stream: %s', async (fault) => {
    const response = await ask({ model: 'gpt-4o' }, { 'x-sandbox-fault': fault });

    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain('needs a stream');
  });
});

describe('faults in turn', () => {
  it('go round, for each model name by itself, in streams and others', async () => {
    const statuses: number[] = [];
    for (const model of ['one', 'one', 'two', 'one', 'one', 'two']) {
      const response = await stream(model, { 'x-sandbox-fault': 'rotate-429-503-ok' });
      statuses.push(response.status);
      await response.text();
    }
    expect(statuses).toEqual([429, 503, 429, 200, 429, 503]);
  });

  it('begin again after a reset, and may hang or reset the connection', async () => {
    const model = 'fault-rotate-reset-503';
    await expect(ask({ model })).rejects.toThrow();
    expect((await ask({ model })).status).toBe(503);
    sandbox.reset();
    await expect(ask({ model })).rejects.toThrow();
  });

  it('let another fault have its turn where they say ok', async () => {
    const model = 'fault-rotate-429-ok+status-500';
    expect([(await ask({ model })).status, (await ask({ model })).status]).toEqual([429, 500]);
  });
});
