import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from './sandbox.server.js';

const MESSAGES = [{ role: 'user', content: 'Hello world' }];

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(() => sandbox.stop());

/** The parts of a chunk that are read here. */
interface Chunk {
  id: string;
  object: string;
  model: string;
  choices?: { index: number; delta: Record<string, unknown>; finish_reason: string | null }[];
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number; cost?: unknown };
}

interface Answer {
  choices: { message: { content: string } }[];
  usage: object;
}

function ask(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: MESSAGES, ...body }),
    headers,
  });
}

function stream(
  model: string,
  changes: object = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return ask({ model, stream: true, stream_options: { include_usage: true }, ...changes }, headers);
}

/** What stands behind `data: ` in each frame, in the order of the frames. */
async function payloadsIn(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      expect(frame.slice(0, 6)).toBe('data: ');
      return frame.slice(6);
    });
}

async function chunksIn(response: Response): Promise<Chunk[]> {
  const payloads = await payloadsIn(response);
  return payloads.filter((payload) => payload !== '[DONE]').map((payload) => JSON.parse(payload) as Chunk);
}

function contentOf(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => (chunk.choices?.[0]?.delta['content'] ?? '') as string).join('');
}

function requestFor(model: string, changes: object = {}): ClientRequest {
  const request = httpRequest(`${sandbox.baseUrl}/v1/chat/completions`, { method: 'POST', agent: false });
  request.end(JSON.stringify({ model, messages: MESSAGES, stream: true, ...changes }));
  return request;
}

async function responseOf(model: string, changes: object = {}): Promise<IncomingMessage> {
  const [response] = (await once(requestFor(model, changes), 'response')) as [IncomingMessage];
  return response;
}

/** All that is received, and how it ended. */
async function readToEnd(response: IncomingMessage): Promise<{ text: string; error: string | null }> {
  let text = '';
  response.setEncoding('utf8').on('data', (part: string) => (text += part));
  const error = await once(response, 'end').then(
    () => null,
    (failure: unknown) => String((failure as NodeJS.ErrnoException).code),
  );
  return { text, error };
}

describe('a stream', () => {
  it('tells the role first, then the text, the reason of its end, the usage, and that it is done', async () => {
    const response = await stream('gpt-4o', { max_tokens: 8 });
    const payloads = await payloadsIn(response);
    const chunks = payloads.slice(0, -1).map((payload) => JSON.parse(payload) as Chunk);
    const deltas = chunks.map((chunk) => chunk.choices?.[0]?.delta);

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(payloads.at(-1)).toBe('[DONE]');
    expect(chunks[0]).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion.chunk',
      created: expect.any(Number),
      model: 'gpt-4o',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
    });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    // Eight tokens of prose are more than three words and at most eight.
    expect(deltas.slice(1, -2).length).toBeGreaterThanOrEqual(2);
    for (const delta of deltas.slice(1, -2)) expect(Object.keys(delta!)).toEqual(['content']);
    expect(chunks.at(-2)?.choices).toEqual([{ index: 0, delta: {}, finish_reason: 'length' }]);
    expect(chunks.at(-1)?.choices).toEqual([]);
    // 9 × 2.50 / 1M + 8 × 10 / 1M
    expect(chunks.at(-1)?.usage).toEqual({
      prompt_tokens: 9,
      completion_tokens: 8,
      total_tokens: 17,
      cost: 0.0001025,
    });
  });

  it('has the text, the usage and the cost of the answer that is no stream', async () => {
    const plain = await ask({ model: 'gpt-4o-mini' });
    const { choices, usage } = (await plain.json()) as Answer;
    const chunks = await chunksIn(await stream('gpt-4o-mini'));
    const { cost, ...counted } = chunks.at(-1)!.usage!;

    expect(contentOf(chunks)).toBe(choices[0]!.message.content);
    expect(counted).toEqual(usage);
    expect(cost).toBe(Number(plain.headers.get('x-litellm-response-cost')));
  });

  it('writes its cost digit for digit', async () => {
    const text = await (await stream('gpt-4o-mini', { stop: ['T', 'Y', 'H'] })).text();

    // Every text begins with one of these letters, so only 9 × 0.15 / 1M are left.
    expect(text).toContain('"cost":0.00000135}');
  });

  it('has the headers of LiteLLM but for the cost, which is not known when they are sent', async () => {
    const { headers } = await stream('gpt-4o', {}, { 'x-litellm-call-id': 'attempt-7' });

    expect(headers.get('x-litellm-call-id')).toBe('attempt-7');
    expect(headers.get('x-litellm-model-group')).toBe('gpt-4o');
    expect(headers.has('x-litellm-response-cost')).toBe(false);
  });

  it('tells no usage where nobody asked for it', async () => {
    const chunks = await chunksIn(await ask({ model: 'gpt-4o', stream: true }));

    expect(chunks.some((chunk) => chunk.usage !== undefined)).toBe(false);
    expect(chunks.at(-1)?.choices?.[0]?.finish_reason).toBe('stop');
  });

  it('ends when its client goes away', async () => {
    const leaving = new AbortController();
    const response = await fetch(`${sandbox.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'fault-chunk-delay-600000', messages: MESSAGES, stream: true }),
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    expect(sandbox.openStreams()).toBe(1);

    leaving.abort();
    while (sandbox.openStreams() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(sandbox.served[0]?.status).toBe(200);
  });

  it('waits for a client that does not read', async () => {
    const response = await responseOf('fault-chunks-10000', { n: 8 });
    const other = await (await ask({ model: 'gpt-4o' })).json();
    // 16 MB do not fit between the two: the stream is still open while others are answered.
    expect(sandbox.openStreams()).toBe(1);
    expect(other).toHaveProperty('choices');

    const { text, error } = await readToEnd(response);
    expect(error).toBeNull();
    // Eight times the role, 10,000 pieces and the end; the word that it is done; nothing behind that.
    expect(text.split('\n\n')).toHaveLength(8 * 10_002 + 1 + 1);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('does not keep the server from stopping', async () => {
    const response = await responseOf('fault-chunk-delay-600000');
    const reading = readToEnd(response);
    await sandbox.stop();

    expect((await reading).error).toBe('ECONNRESET');
  });
});

describe('the faults of a stream', () => {
  it.each([1, 2, 25, 200])('make the text long enough for %d chunks', async (count) => {
    const chunks = await chunksIn(await stream(`fault-chunks-${String(count)}`));
    const pieces = chunks.filter((chunk) => (chunk.choices?.[0]?.delta['content'] ?? '') !== '');
    const plain = (await (await ask({ model: `fault-chunks-${String(count)}` })).json()) as Answer;

    expect(pieces).toHaveLength(count);
    expect(contentOf(chunks)).toBe(plain.choices[0]?.message.content);
  });

  it('let its chunks wait', async () => {
    const order: string[] = [];
    const slow = stream('fault-chunk-delay-150+chunks-8').then(async (response) => {
      order.push('begun');
      await response.text();
      order.push('ended');
    });
    while (order.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await ask({ model: 'gpt-4o' }).then(() => order.push('another answer'));
    await slow;

    expect(order).toEqual(['begun', 'another answer', 'ended']);
  });

  it('end the connection in the middle', async () => {
    const whole = contentOf(await chunksIn(await stream('gpt-4o')));
    const { text, error } = await readToEnd(await responseOf('fault-cut'));

    expect(error).toBe('ECONNRESET');
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('"finish_reason":"stop"');
    const chunks = text.split('\n\n').filter((frame) => frame !== '');
    const content = contentOf(chunks.map((frame) => JSON.parse(frame.slice(6)) as Chunk));
    expect(content.length).toBeGreaterThan(10);
    expect(content.length).toBeLessThan(whole.length);
    expect(whole.startsWith(content)).toBe(true);
  });

  it('reset the connection in the middle', async () => {
    const request = requestFor('fault-reset-mid');
    // A reset is an error of the request; a connection that only ends is one of the response.
    const failing = new Promise((resolve) => request.once('error', resolve));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { text } = await readToEnd(response);
    const failure = await failing;

    expect(text).toContain('"content"');
    expect(failure).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect(sandbox.served[0]?.status).toBe(200);
  });

  it('stall in the middle for as long as the client waits', async () => {
    const response = await responseOf('fault-hang-body');
    const reading = readToEnd(response);
    expect(await Promise.race([reading, ask({ model: 'gpt-4o' }).then(() => 'others go on')])).toBe(
      'others go on',
    );
    expect(sandbox.openStreams()).toBe(1);

    await sandbox.stop();
    const { text, error } = await reading;
    expect(error).toBe('ECONNRESET');
    expect(text).toContain('"content"');
    expect(text).not.toContain('[DONE]');
  });

  it('end with an error of LiteLLM behind some content', async () => {
    const payloads = await payloadsIn(await stream('fault-late-error'));
    const last = JSON.parse(payloads.at(-1) ?? '') as { error: { message: string } };

    expect(payloads.length).toBeGreaterThan(3);
    expect(last).toEqual({
      error: { message: expect.any(String), type: null, param: null, code: '500' },
    });
    // As LiteLLM 1.106.2 wrote it for a provider that broke off.
    expect(last.error.message).toMatch(/^litellm\.APIConnectionError: APIConnectionError: Sandbox/);
    expect(last.error.message).toContain('provider.sandbox.invalid');
    expect(payloads).not.toContain('[DONE]');
  });

  it('leave out the word that it is done', async () => {
    const payloads = await payloadsIn(await stream('fault-no-done'));

    expect(payloads).not.toContain('[DONE]');
    expect(JSON.parse(payloads.at(-1) ?? '')).toHaveProperty('usage');
  });

  it('leave out the usage, or its cost', async () => {
    const withoutUsage = await chunksIn(await stream('fault-no-usage'));
    const withoutCost = await chunksIn(await stream('fault-no-cost'));

    expect(withoutUsage.some((chunk) => chunk.usage !== undefined)).toBe(false);
    expect(withoutUsage.at(-1)?.choices?.[0]?.finish_reason).toBe('stop');
    expect(withoutCost.at(-1)?.usage).not.toHaveProperty('cost');
    expect(withoutCost.at(-1)?.usage?.prompt_tokens).toBe(9);
  });

  it.each([
    ['5', '"cost":5}'],
    ['-1', '"cost":-1}'],
    ['7.5e-08', '"cost":7.5e-08}'],
    ['1e400', '"cost":1e400}'],
    ['NaN', '"cost":"NaN"}'],
    ['', '"cost":""}'],
    ['01', '"cost":"01"}'],
  ])('send the cost %j as JSON can say it', async (text, member) => {
    expect(await (await stream(`fault-cost-${text}`)).text()).toContain(member);
  });

  it('send the usage with the first content, and a last chunk without it', async () => {
    const chunks = await chunksIn(await stream('fault-usage-early'));
    const positions = chunks.flatMap((chunk, position) => (chunk.usage === undefined ? [] : [position]));

    expect(positions).toEqual([1]);
    expect(chunks[1]?.choices?.[0]?.delta).toHaveProperty('content');
    expect(chunks[1]?.usage).toHaveProperty('cost');
    expect(chunks.at(-1)?.choices).toEqual([]);
  });

  it('send the usage beside a choice without anything, as LiteLLM does', async () => {
    const last = (await chunksIn(await stream('fault-usage-choice'))).at(-1);

    expect(last?.choices).toEqual([{ index: 0, delta: {} }]);
    expect(last?.usage).toMatchObject({ prompt_tokens: 9, cost: expect.any(Number) });
  });

  it('break the JSON of one frame and go on', async () => {
    const payloads = await payloadsIn(await stream('fault-malformed'));
    const broken = payloads.filter((payload) => payload !== '[DONE]' && !isJson(payload));

    expect(broken).toHaveLength(1);
    expect(isJson(`${broken[0]!}}`)).toBe(true);
    expect(payloads.at(-1)).toBe('[DONE]');
  });

  it('leave out the choices, or their content', async () => {
    const without = await chunksIn(await stream('fault-no-choices'));
    const empty = await chunksIn(await stream('fault-null-content'));

    expect(without.slice(0, -1).some((chunk) => chunk.choices !== undefined)).toBe(false);
    expect(empty.map((chunk) => chunk.choices?.[0]?.delta['content'] ?? null)).toEqual([null, null, null]);
  });

  it('put comments between the frames', async () => {
    const text = await (await stream('fault-pings')).text();
    const frames = text.split('\n\n').filter((frame) => frame !== '');
    const isPing = frames.map((frame) => frame === ': ping');

    expect(isPing).toEqual(frames.map((_, position) => position % 2 === 1));
    expect(frames.at(-1)).toBe('data: [DONE]');
  });

  it('end the lines with a carriage return too', async () => {
    const text = await (await stream('fault-crlf')).text();

    expect(text.replaceAll('\r\n', '')).not.toContain('\n');
    expect(text.endsWith('data: [DONE]\r\n\r\n')).toBe(true);
  });

  it('cut frames and characters apart', async () => {
    const messages = [{ role: 'user', content: '😀'.repeat(40) }];
    const response = await stream('fault-split', { messages });
    const parts: Buffer[] = [];
    for await (const part of response.body!) parts.push(Buffer.from(part as Uint8Array));
    const text = Buffer.concat(parts).toString();

    expect(parts.length).toBeGreaterThan(4);
    expect(parts.some((part) => !part.toString().isWellFormed() || part.toString().includes('\ufffd'))).toBe(
      true,
    );
    expect(parts.filter((part) => part.toString().endsWith('\n\n'))).toHaveLength(1);
    expect(text).not.toContain('\ufffd');
    expect(text).toContain('😀'.repeat(12));
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
