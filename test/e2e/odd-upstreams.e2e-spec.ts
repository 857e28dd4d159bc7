import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectBalance, makeTeam, MESSAGES } from '../support/factories.js';
import { ledgerDifferences, startTestService, type TestService } from '../support/service.js';
import { contentOf, framesOf, openStream } from '../support/streams.js';

const CONTENT = frame({ choices: [{ index: 0, delta: { content: 'Hi' } }] });
const FINISH = frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const DONE = 'data: [DONE]\n\n';

function frame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function withUsage(usage: object): string {
  return CONTENT + FINISH + frame({ choices: [], usage }) + DONE;
}

describe('what an upstream says amiss', () => {
  let service: TestService;
  let upstream: Server;
  let answer: (response: ServerResponse) => void;

  beforeAll(async () => {
    upstream = createServer((request, response) => {
      request.resume().on('end', () => {
        answer(response);
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    service = await startTestService({
      upstreamUrl: `http://127.0.0.1:${String(port)}`,
      environment: { STORE_MESSAGES: 'true' },
    });
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
    upstream.closeAllConnections();
    upstream.close();
  });

  async function stream(frames: string) {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(frames);
    };
    const team = await makeTeam(service);
    const opened = await openStream(service, '/api/jobs/create-and-call-stream', {
      key: team.key,
      body: { job_type: 'demo', messages: MESSAGES },
    });
    const text = await opened.text();
    return { team, text, jobId: opened.headers.get('x-job-id') ?? '' };
  }

  async function attemptOf(jobId: string) {
    const costs = await service.call('get', `/api/jobs/${jobId}/costs`).expect(200);
    return costs.body.costs.breakdown[0].attempts[0] as object;
  }

  it.each<[string, object, object]>([
    ['a cost with a NUL', { cost: '1\0' }, { cost_source: 'refused', cost_usd: null }],
    ['an endless cost', { cost: 1e308 }, { cost_source: 'refused', cost_usd: null }],
    ['a negative cost', { cost: -1 }, { cost_source: 'refused', cost_usd: null }],
    [
      'as many tokens of each kind as are believed',
      {
        prompt_tokens: 5e8,
        completion_tokens: 5e8,
        // Beside a prompt that is not in a total, as they are no more than it.
        cache_read_input_tokens: 5e8,
        cache_creation_input_tokens: 5e8,
      },
      { is_estimated: false },
    ],
    ['tokens that are none', { prompt_tokens: '9', completion_tokens: -1 }, { is_estimated: true }],
  ])('in the usage of a stream is recorded, and the call charged: %s', async (_, usage, attempt) => {
    const said = { prompt_tokens: 9, completion_tokens: 3, cost: 0.5, ...usage };
    const { team, text, jobId } = await stream(withUsage(said));
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(await attemptOf(jobId)).toMatchObject({ status: 'succeeded', ...attempt });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it.each<[string, string]>([
    ['lines that end in CR only', withUsage({}).replaceAll('\n', '\r')],
    ['a byte order mark', `\uFEFF${withUsage({})}`],
    [
      'names, numbers and waits of events',
      withUsage({}).replaceAll('data:', 'event: x\nid: 1\nretry: 1\ndata:'),
    ],
    ['frames in several lines', withUsage({}).replaceAll('{"choices"', '{\ndata: "choices"')],
    ['words behind the end', withUsage({}) + CONTENT + frame({ error: { message: 'late' } })],
    ['reasons given twice', CONTENT + FINISH + withUsage({}).slice(CONTENT.length)],
    [
      'a piece of a negative answer',
      frame({ choices: [{ index: -1, delta: { content: 'Hi' } }] }) + FINISH + DONE,
    ],
  ])('in the form of a stream is understood: %s', async (_, frames) => {
    const { team, text } = await stream(frames);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(contentOf(framesOf(text))).toBe('Hi');
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('in the text of an answer is passed on and kept: NUL and half a character', async () => {
    const odd = 'a\0b\ud800c';
    const { team, text, jobId } = await stream(
      frame({ choices: [{ index: 0, delta: { content: odd } }] }) + FINISH + DONE,
    );
    expect(contentOf(framesOf(text))).toBe(odd);
    const callId = (await service.call('get', `/api/jobs/${jobId}/costs`)).body.costs.breakdown[0].call_id;
    const kept = await service.call('get', `/api/jobs/${jobId}/calls/${String(callId)}/messages`).expect(200);
    expect(kept.body.answer.choices[0].message.content).toBe(odd);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it.each([204, 206, 302])('as the status %i without an answer fails the call', async (status) => {
    answer = (response) => {
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:9/' } : {}).end();
    };
    const team = await makeTeam(service);
    for (const path of ['create-and-call', 'create-and-call-stream']) {
      const body = { job_type: 'demo', messages: MESSAGES };
      await service.call('post', `/api/jobs/${path}`, { key: team.key, body }).expect(502);
    }
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });
});
