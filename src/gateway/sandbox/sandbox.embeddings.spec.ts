import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { base64Of, vectorOf } from './sandbox.embeddings.js';
import { type Sandbox, startSandbox } from './sandbox.server.js';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.stop());

interface EmbeddingsBody {
  data: { object: string; index: number; embedding: number[] }[];
  usage: object;
}

function ask(body: object, path = '/v1/embeddings'): Promise<Response> {
  return fetch(sandbox.baseUrl + path, { method: 'POST', body: JSON.stringify(body) });
}

async function embeddingsFor(body: object): Promise<EmbeddingsBody> {
  return (await (await ask({ model: 'text-embedding-3-small', ...body })).json()) as EmbeddingsBody;
}

describe('a vector', () => {
  it.each([1, 16, 3_072])('of %d numbers has the length 1 and is the same for equal inputs', (dimensions) => {
    const vector = vectorOf('Hello', dimensions);

    expect(vector).toHaveLength(dimensions);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(vectorOf('Hello', dimensions)).toEqual(vector);
  });

  it('differs between inputs', () => {
    expect(vectorOf('Hello', 16)).not.toEqual(vectorOf('World', 16));
    expect(vectorOf('1', 16)).not.toEqual(vectorOf([1], 16));
  });

  it('is packed with the lowest byte first', () => {
    // 1 is 0x3f800000 and -2 is 0xc0000000 in 32 bits.
    expect(base64Of([1, -2])).toBe(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).toString('base64'));
  });
});

describe('embeddings over HTTP', () => {
  it.each(['/v1/embeddings', '/embeddings'])('are answered at %s in the shape of OpenAI', async (path) => {
    const response = await ask({ model: 'text-embedding-3-small', input: 'Hello world' }, path);
    const numbers = expect.any(Array);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: numbers }],
      model: 'text-embedding-3-small',
      // "Hello" and " world"
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    // 2 × 0.02 / 1M
    expect(response.headers.get('x-litellm-response-cost')).toBe('0.00000004');
    expect(response.headers.get('x-litellm-model-group')).toBe('text-embedding-3-small');
  });

  it('have the price of their model', async () => {
    const response = await ask({ model: 'text-embedding-3-large', input: 'Hello world' });
    // 2 × 0.13 / 1M
    expect(response.headers.get('x-litellm-response-cost')).toBe('0.00000026');
  });

  it.each([
    ['texts', ['Hello world', 'Hello'], 3, 2],
    ['tokens', [1, 2, 3], 3, 1],
    ['lists of tokens', [[1, 2], [3]], 3, 2],
  ])('are made of %s', async (_, input, tokens, count) => {
    const { data, usage } = await embeddingsFor({ input });

    expect(data.map(({ index }) => index)).toEqual([...data.keys()]);
    expect(data).toHaveLength(count);
    expect(data[0]?.embedding).toHaveLength(16);
    expect(usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens });
  });

  it('are the same numbers in base64', async () => {
    const plain = await embeddingsFor({ input: 'Hello', dimensions: 256 });
    const packed = await embeddingsFor({ input: 'Hello', dimensions: 256, encoding_format: 'base64' });
    const bytes = Buffer.from(packed.data[0]!.embedding as unknown as string, 'base64');

    expect(bytes.byteLength).toBe(1_024);
    expect([...plain.data[0]!.embedding.keys()].map((index) => bytes.readFloatLE(index * 4))).toEqual(
      plain.data[0]!.embedding,
    );
  });

  it.each([
    ['no input', {}, 'input'],
    ['an empty text', { input: '' }, 'input'],
    ['an empty list', { input: [] }, 'input'],
    ['a list with an empty text', { input: ['a', ''] }, 'input'],
    ['half a token', { input: [1.5] }, 'input'],
    ['too many inputs', { input: Array.from({ length: 2_049 }, () => 'a') }, 'input'],
    ['no dimensions', { input: 'a', dimensions: 0 }, 'dimensions'],
    ['too many dimensions', { input: 'a', dimensions: 3_073 }, 'dimensions'],
    ['another encoding', { input: 'a', encoding_format: 'int8' }, 'encoding_format'],
    ['no model', { model: '', input: 'a' }, 'model'],
  ])('are refused with 400 for %s', async (_, body, param) => {
    const response = await ask({ model: 'm', ...body });

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });

  it('have the faults of a completion, as far as these can be seen', async () => {
    const failed = await ask({ model: 'fault-status-503', input: 'a' });
    const without = await (await ask({ model: 'fault-no-usage', input: 'a' })).json();
    const refused = await ask({ model: 'fault-null-content', input: 'a' });

    expect([failed.status, refused.status]).toEqual([503, 400]);
    expect(without).not.toHaveProperty('usage');
    await expect((await ask({ model: 'fault-cut', input: 'a' })).text()).rejects.toThrow();
  });

  it('are recorded and counted', async () => {
    await (await ask({ model: 'text-embedding-3-small', input: 'Hello world' })).text();

    expect(sandbox.servedCount('text-embedding-3-small')).toBe(1);
    expect(sandbox.served[0]).toMatchObject({ path: '/v1/embeddings', status: 200 });
    expect(sandbox.servedTokens()).toEqual({ promptTokens: 2, completionTokens: 0 });
  });
});
