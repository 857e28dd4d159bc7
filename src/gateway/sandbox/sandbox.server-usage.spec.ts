import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from './sandbox.server.js';
import { USAGE_SHAPE_NAMES, USAGE_SHAPES } from './sandbox.usage-shapes.js';

const MESSAGES = [{ role: 'user', content: 'Hello world' }];

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.stop());

interface Chunk {
  choices: { finish_reason: string | null }[];
  usage?: Record<string, unknown>;
  x_groq?: { id: string; usage: Record<string, unknown> };
}

function ask(model: string, changes: object = {}): Promise<Response> {
  return fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages: MESSAGES, ...changes }),
  });
}

async function stream(model: string): Promise<Chunk[]> {
  const response = await ask(model, { stream: true, stream_options: { include_usage: true } });
  const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data: {'));
  return frames.map((frame) => JSON.parse(frame.slice(6)) as Chunk);
}

async function stats(): Promise<Record<string, unknown>> {
  return (await (await fetch(`${sandbox.baseUrl}/sandbox/stats`)).json()) as Record<string, unknown>;
}

describe('usage as a provider tells it', () => {
  it.each(USAGE_SHAPE_NAMES)('is asked for by fault or by model name: %s', async (name) => {
    for (const model of [`fault-usage-${name}`, `usage-${name}`]) {
      const { usage } = (await (await ask(model)).json()) as { usage: object };
      expect(usage).toEqual(USAGE_SHAPES[name].usage);
    }
  });

  it('has its cost in the header, and in the usage of a stream', async () => {
    const response = await ask('usage-anthropic');
    const chunks = await stream('usage-anthropic');

    // 150 × 1 + 2,000 × 0.1 + 1,000 × 1.25 + 150 × 2 + 60 × 2 = 2,020, over a million
    expect(response.headers.get('x-litellm-response-cost')).toBe('0.00202');
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3_150, cache_read_input_tokens: 2_000, cost: 0.00202 },
    });
  });

  it('stands in the last chunk with a choice for one provider', async () => {
    const chunks = await stream('usage-groq');

    expect(chunks.some(({ usage }) => usage !== undefined)).toBe(false);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)?.x_groq?.usage).toMatchObject({
      prompt_tokens: 640,
      queue_time: 0.037,
      cost: 0.001,
    });
  });

  it('keeps the cost that a provider tells as an object, unless a fault says otherwise', async () => {
    const kept = await stream('usage-perplexity');
    const replaced = await stream('fault-usage-perplexity+cost-7');
    const without = await stream('fault-usage-openrouter+no-cost');

    expect(kept.at(-1)?.usage?.['cost']).toMatchObject({ total_cost: 0.00087 });
    expect(replaced.at(-1)?.usage?.['cost']).toBe(7);
    expect(without.at(-1)?.usage).not.toHaveProperty('cost');
  });
});

describe('the sums of a sandbox', () => {
  it('are those of the answers that were sent, whole or in part', async () => {
    // 9 tokens of the prompt and 5 of the answer, four times.
    await (await ask('gpt-4o', { max_tokens: 5 })).text();
    await (await ask('gpt-4o', { max_tokens: 5, stream: true })).text();
    await (await ask('fault-cut', { max_tokens: 5, stream: true })).text().catch(() => '');
    await (await ask('fault-malformed', { max_tokens: 5 })).text();
    // Nothing for errors.
    await ask('fault-status-500');
    await ask('gpt-4o', { messages: [] });
    await ask('fault-reset').catch(() => '');
    await (await ask('usage-mistral')).text();

    // 4 × 9 + 75 and 4 × 5 + 130
    expect(sandbox.servedTokens()).toEqual({ promptTokens: 111, completionTokens: 150 });
    expect(await stats()).toEqual({
      total: 8,
      by_model: {
        'gpt-4o': 3,
        'fault-cut': 1,
        'fault-malformed': 1,
        'fault-status-500': 1,
        'fault-reset': 1,
        'usage-mistral': 1,
      },
      by_status: { 200: 5, 400: 1, 500: 1 },
      streams: 2,
      prompt_tokens: 111,
      completion_tokens: 150,
    });
  });

  it('hold a stream from its first frame on, and nothing of one that never began', async () => {
    const slow = await ask('fault-chunk-delay-600000', { max_tokens: 5, stream: true });
    expect(slow.status).toBe(200);
    expect(sandbox.servedTokens()).toEqual({ promptTokens: 9, completionTokens: 5 });

    const leaving = new AbortController();
    const never = fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'fault-delay-600000', messages: MESSAGES, stream: true }),
      signal: leaving.signal,
    });
    while (sandbox.servedCount() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await expect(never).rejects.toThrow();
    await slow.body?.cancel();
    expect(sandbox.servedTokens()).toEqual({ promptTokens: 9, completionTokens: 5 });
  });

  it('begin again after a reset', async () => {
    await (await ask('gpt-4o', { stream: true })).text();
    sandbox.reset();

    expect(sandbox.servedTokens()).toEqual({ promptTokens: 0, completionTokens: 0 });
    expect(await stats()).toMatchObject({ total: 0, by_status: {}, streams: 0, prompt_tokens: 0 });
  });
});
