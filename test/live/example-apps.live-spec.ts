import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import { prepareExamples } from '../../examples/prepare.mjs';
import {
  completeJob,
  expectBalance,
  makeCall,
  makeJob,
  makeTeam,
  type TestTeam,
} from '../support/factories.js';
import { query } from '../support/database.js';
import { freePort, runCommand } from '../support/server-process.js';
import { ledgerDifferences, MASTER_KEY, startTestService, type TestService } from '../support/service.js';

const ROOT = resolve(import.meta.dirname, '../..');
const OPERATOR_KEY = 'operator-key-of-the-example';
const READY_TIMEOUT_MS = 30_000;

/** Dear enough that one and a half times the cost of a job is more than a cent. */
const DEAR_MODEL = 'gpt-4';
const FAILING_MODEL = 'fault-status-500';

const APPS = [
  {
    name: 'Flask',
    file: 'flask_app.py',
    path: '/analyze-document',
    jobType: 'document_analysis',
    flatRate: '0.50',
    largeTier: { price: '0.15', from: 1_000, below: 5_000 },
    /** Each page, and a summary of them. */
    callsOf: (parts: readonly string[]) => parts.length + 1,
    bodyOf: (parts: readonly string[]): object => ({ document_id: 'doc_1', pages: parts }),
  },
  {
    name: 'FastAPI',
    file: 'fastapi_app.py',
    path: '/process-text',
    jobType: 'text_processing',
    flatRate: null,
    largeTier: { price: '0.15', from: 1_000, below: 5_000 },
    callsOf: (parts: readonly string[]) => parts.length,
    bodyOf: (parts: readonly string[]): object => ({ text: parts.join('\n\n') }),
  },
  {
    // Its calls grow, because each one sends the whole conversation.
    name: 'Express',
    file: 'express_app.mjs',
    path: '/chat',
    jobType: 'chat_session',
    flatRate: '0.10',
    largeTier: { price: '0.30', from: 5_000, below: Infinity },
    callsOf: (parts: readonly string[]) => parts.length,
    bodyOf: (parts: readonly string[]): object => ({ questions: parts }),
  },
];

type Interference =
  | 'lose the answer'
  | { readonly status: number; readonly body: object; readonly headers?: Record<string, string> };

/**
 * Stands between an application and the service, and can spoil the next answer to a path's last word. It makes
 * pages of lists short, so that a few jobs are enough for several.
 */
interface Relay {
  readonly baseUrl: string;
  /** The last words of the paths asked for, such as `create`, `llm-call`, `complete`. */
  readonly seen: string[];
  spoil(lastWord: string, how: Interference): void;
  stop(): Promise<void>;
}

async function startRelay(target: string): Promise<Relay> {
  const seen: string[] = [];
  const spoiled = new Map<string, Interference>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const lastWord = request.url!.split('?')[0]!.split('/').at(-1)!;
      seen.push(lastWord);
      const how = spoiled.get(lastWord);
      spoiled.delete(lastWord);
      if (how !== undefined && how !== 'lose the answer') {
        response.writeHead(how.status, { 'content-type': 'application/problem+json', ...how.headers });
        response.end(JSON.stringify(how.body));
        return;
      }
      const answer = await fetch(target + request.url!.replace('limit=100', 'limit=2'), {
        method: request.method!,
        headers: { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' },
        body: chunks.length === 0 ? null : Buffer.concat(chunks),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (how === 'lose the answer') {
        request.socket.destroy();
        return;
      }
      const retryAfter = answer.headers.get('retry-after');
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? '',
        ...(retryAfter !== null && { 'retry-after': retryAfter }),
      });
      response.end(bytes);
    })().catch(() => {
      request.socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    seen,
    spoil: (lastWord, how) => void spoiled.set(lastWord, how),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Every name of a field, at any depth. */
function fieldNames(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...fieldNames(inner)]);
}

/** As the applications write it: exact, with two decimals at least. */
function usd(amount: Decimal): string {
  return amount.decimalPlaces() < 2 ? amount.toFixed(2) : amount.toFixed();
}

/** The month in which the jobs of this test end; asked for after they did. */
const thisMonth = (): string => new Date().toISOString().slice(0, 7);

let python: string;
let service: TestService;
let relay: Relay;
/** What runs, the last started first: a setup that breaks off must leave nothing that listens, or Jest never ends. */
const stops: (() => Promise<void>)[] = [];
const running: ChildProcess[] = [];

beforeAll(async () => {
  python = await prepareExamples();
  service = await startTestService();
  stops.push(() => service.stop());
  relay = await startRelay(service.baseUrl);
  stops.unshift(() => relay.stop());
}, 900_000);

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
});

afterAll(async () => {
  try {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
  } finally {
    for (const stop of stops) await stop();
  }
}, 60_000);

describe.each(APPS)('the example application with $name', (example) => {
  /** Starts it for these teams, under the ids they have in the service. @returns its address */
  async function startExample(...teams: readonly TestTeam[]): Promise<string> {
    const port = await freePort();
    const command = example.file.endsWith('.py') ? python : process.execPath;
    const child = spawn(command, [join(ROOT, 'examples', example.file)], {
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        API_BASE: `${relay.baseUrl}/api`,
        ADMIN_KEY: MASTER_KEY,
        OPERATOR_KEY,
        TEAM_KEYS: JSON.stringify(Object.fromEntries(teams.map((team) => [team.teamId, team.key]))),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const deadline = Date.now() + READY_TIMEOUT_MS;
    const baseUrl = `http://127.0.0.1:${port}`;
    // Any answer will do: none of them has a route for the root.
    while (
      !(await fetch(baseUrl).then(
        () => true,
        () => false,
      ))
    ) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${example.file} did not become ready:\n${output}`);
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
    return baseUrl;
  }

  async function ask(
    baseUrl: string,
    teamId: string,
    parts: readonly string[],
  ): Promise<{ status: number; headers: Headers; text: string; body: Record<string, unknown> }> {
    const answer = await fetch(baseUrl + example.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-team-id': teamId },
      body: JSON.stringify(example.bodyOf(parts)),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  }

  /** All jobs of a team, newest first. */
  async function jobsOf(team: TestTeam): Promise<Record<string, unknown>[]> {
    const { body } = await service.call('get', `/api/teams/${team.teamId}/jobs`).expect(200);
    return body.data as Record<string, unknown>[];
  }

  async function costsOf(jobId: unknown): Promise<{ cost: Decimal; tokens: number; calls: number }> {
    const { body } = await service.call('get', `/api/jobs/${String(jobId)}/costs`).expect(200);
    return {
      cost: new Decimal(body.costs.total_cost_usd),
      tokens: body.costs.total_tokens,
      calls: body.costs.total_calls,
    };
  }

  it('does the work as one completed job, charges one credit and shows no cost and no model', async () => {
    const team = await makeTeam(service, { groups: [[DEAR_MODEL]] });
    const baseUrl = await startExample(team);
    const parts = ['The first part.', 'The second part.'];

    const answer = await ask(baseUrl, team.teamId, parts);

    expect(answer.status).toBe(200);
    const [job, ...others] = await jobsOf(team);
    expect(others).toEqual([]);
    expect(job).toMatchObject({
      job_id: answer.body['job_id'],
      job_type: example.jobType,
      status: 'completed',
      credits_charged: 1,
    });
    const { calls, cost, tokens } = await costsOf(job!['job_id']);
    expect(calls).toBe(example.callsOf(parts));
    expect(job!['metadata']).toMatchObject({ tokens_used: tokens });
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
    expect(cost.isPositive() && !cost.isZero()).toBe(true);
    expect(fieldNames(answer.body).filter((name) => /cost|usd|price|model|token/i.test(name))).toEqual([]);
    for (const secret of [DEAR_MODEL, cost.toFixed(), team.key, team.groups[0]!]) {
      expect(answer.text).not.toContain(secret);
    }
  });

  it('ends the job as failed, with the reason and without a charge, when a call fails', async () => {
    const team = await makeTeam(service, { groups: [[FAILING_MODEL]] });
    const baseUrl = await startExample(team);
    relay.seen.length = 0;

    const answer = await ask(baseUrl, team.teamId, ['The first part.', 'The second part.']);

    expect(answer.status).toBe(502);
    expect(answer.body['error']).toBe('no_answer');
    expect(answer.text).not.toContain(FAILING_MODEL);
    expect(relay.seen).toEqual(['create', 'llm-call', 'complete']);
    expect(await jobsOf(team)).toEqual([
      expect.objectContaining({
        status: 'failed',
        credits_charged: 0,
        error_message: expect.stringContaining('upstream_failed'),
      }),
    ]);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('sends a completion again whose answer was lost, and is charged once', async () => {
    const team = await makeTeam(service);
    const baseUrl = await startExample(team);
    relay.seen.length = 0;
    relay.spoil('complete', 'lose the answer');

    const answer = await ask(baseUrl, team.teamId, ['The only part.']);

    expect(answer.status).toBe(200);
    expect(relay.seen.filter((word) => word === 'complete')).toHaveLength(2);
    await expectBalance(service, team, { allocated: 100, used: 1, held: 0 });
  });

  it('does not send a call again whose answer was lost', async () => {
    const team = await makeTeam(service);
    const baseUrl = await startExample(team);
    relay.seen.length = 0;
    relay.spoil('llm-call', 'lose the answer');

    const answer = await ask(baseUrl, team.teamId, ['The first part.', 'The second part.']);

    expect(answer.status).toBe(503);
    expect(relay.seen).toEqual(['create', 'llm-call', 'complete']);
    expect(await jobsOf(team)).toEqual([expect.objectContaining({ status: 'failed', credits_charged: 0 })]);
    await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
  });

  it('answers a customer without credits with 402, a suspended one with 403, an unknown one with 404', async () => {
    const poor = await makeTeam(service, { credits: 0 });
    const suspended = await makeTeam(service);
    await service.call('put', `/api/teams/${suspended.teamId}/suspend`).expect(200);
    const baseUrl = await startExample(poor, suspended);

    const answers = [];
    for (const teamId of [poor.teamId, suspended.teamId, 'nobody']) {
      const { status, body } = await ask(baseUrl, teamId, ['The only part.']);
      answers.push([status, body['error'] ?? null]);
    }

    expect(answers).toEqual([
      [402, 'out_of_credits'],
      [403, 'suspended'],
      // FastAPI's own errors have another shape.
      [404, example.name === 'FastAPI' ? null : 'not_found'],
    ]);
    expect(await jobsOf(poor)).toEqual([]);
    expect(await jobsOf(suspended)).toEqual([]);
  });

  it.each([
    { word: 'create', status: 429, retryAfter: '7', expected: [503, '7', 'busy'] },
    { word: 'create', status: 503, retryAfter: '9', expected: [503, '9', 'busy'] },
    { word: 'create', status: 503, retryAfter: null, expected: [503, '5', 'busy'] },
    { word: 'llm-call', status: 504, retryAfter: null, expected: [502, null, 'no_answer'] },
    { word: 'create', status: 401, retryAfter: null, expected: [500, null, 'internal_error'] },
  ])(
    'takes $status of the service at $word for $expected',
    async ({ word, status, retryAfter, expected }) => {
      const team = await makeTeam(service);
      const baseUrl = await startExample(team);
      relay.spoil(word, {
        status,
        body: { status, code: 'some_code', detail: 'A secret sentence.' },
        headers: retryAfter === null ? {} : { 'retry-after': retryAfter },
      });

      const answer = await ask(baseUrl, team.teamId, ['The only part.']);

      expect([answer.status, answer.headers.get('retry-after'), answer.body['error']]).toEqual(expected);
      expect(answer.text).not.toContain('secret');
      await expectBalance(service, team, { allocated: 100, used: 0, held: 0 });
    },
  );

  it('tells profit to the operator alone, and of a month only', async () => {
    const baseUrl = await startExample(await makeTeam(service));
    const statusOf = async (query: string, key: string | null): Promise<number> => {
      const headers = key === null ? undefined : { 'x-operator-key': key };
      return (await fetch(`${baseUrl}/profit?${query}`, headers && { headers })).status;
    };

    const invalid = example.name === 'FastAPI' ? 422 : 400;
    expect(await statusOf('period=2026-11', null)).toBe(403);
    expect(await statusOf('period=2026-11', `${OPERATOR_KEY}x`)).toBe(403);
    expect(await statusOf('period=2026-13', OPERATOR_KEY)).toBe(invalid);
    expect(await statusOf('', OPERATOR_KEY)).toBe(invalid);
  });

  it('works profit out from what was sold and what everything cost', async () => {
    const [team, otherTeam] = [
      await makeTeam(service, { groups: [[DEAR_MODEL]] }),
      await makeTeam(service, { groups: [[DEAR_MODEL]] }),
    ];
    const baseUrl = await startExample(team, otherTeam);
    // Two sold jobs of the application's own: a small one, and one of 12 parts for a higher tier.
    const small = await ask(baseUrl, team.teamId, ['A short part.']);
    const large = await ask(
      baseUrl,
      otherTeam.teamId,
      Array.from({ length: 12 }, (_, index) => `Part ${index + 1} of a longer piece.`),
    );
    // One of a type without a rate, not made by the application, so that it has no note of its tokens.
    const demo = await makeJob(service, team, 'demo');
    await makeCall(service, team, demo);
    await completeJob(service, team, demo);
    // One that cost something, of the application's type, and was not sold.
    const failed = await makeJob(service, team, example.jobType);
    await makeCall(service, team, failed);
    await completeJob(service, team, failed, 'failed');
    // One that has not ended is in no figure, and one that ended in an earlier month is in none of this month.
    await makeCall(service, team, await makeJob(service, team, example.jobType));
    const earlier = await makeJob(service, team, example.jobType);
    await makeCall(service, team, earlier);
    await completeJob(service, team, earlier);
    await query(
      service.database.url,
      `UPDATE jobs SET created_at = created_at - interval '40 days', started_at = started_at - interval '40 days',
              completed_at = completed_at - interval '40 days' WHERE job_id = $1`,
      [earlier],
    );
    relay.seen.length = 0;

    const answer = await fetch(`${baseUrl}/profit?period=${thisMonth()}`, {
      headers: { 'x-operator-key': OPERATOR_KEY },
    });

    expect(answer.status).toBe(200);
    // Five jobs of one team are three pages, and the other team's one job is one.
    expect(relay.seen.filter((word) => word === 'jobs')).toHaveLength(4);
    const [ofSmall, ofLarge, ofDemo, ofFailed] = [
      await costsOf(small.body['job_id']),
      await costsOf(large.body['job_id']),
      await costsOf(demo),
      await costsOf(failed),
    ];
    // The tiers that the revenues below take for granted.
    expect(ofSmall.tokens).toBeLessThan(1_000);
    expect(ofDemo.tokens).toBeLessThan(1_000);
    expect(ofLarge.tokens).toBeGreaterThanOrEqual(example.largeTier.from);
    expect(ofLarge.tokens).toBeLessThan(example.largeTier.below);
    const line = (
      jobs: number,
      soldJobs: number,
      cost: Decimal,
      revenues: Record<'flat' | 'tiered' | 'markup', Decimal>,
    ): object => ({
      jobs,
      sold_jobs: soldJobs,
      cost_usd: usd(cost),
      ...Object.fromEntries(
        Object.entries(revenues).map(([strategy, revenue]) => [
          strategy,
          {
            revenue_usd: usd(revenue),
            profit_usd: usd(revenue.minus(cost)),
            margin_percent: revenue.minus(cost).div(revenue).times(100).toFixed(1, Decimal.ROUND_HALF_UP),
          },
        ]),
      ),
    });
    const cents = (cost: Decimal): Decimal => cost.times('1.5').toDecimalPlaces(2, Decimal.ROUND_HALF_UP);
    const sold = ofSmall.cost.plus(ofLarge.cost);
    const own = {
      flat: example.flatRate === null ? sold.times(2) : new Decimal(example.flatRate).times(2),
      tiered: new Decimal('0.05').plus(example.largeTier.price),
      // Each team has its own bill, rounded on its own; the failed job is on none.
      markup: cents(ofSmall.cost).plus(cents(ofLarge.cost)),
    };
    const other = {
      flat: ofDemo.cost.times(2),
      tiered: new Decimal('0.05'),
      markup: cents(ofDemo.cost),
    };
    const ownCost = sold.plus(ofFailed.cost);
    expect(own.markup.greaterThan('0.05')).toBe(true);
    expect(await answer.json()).toEqual({
      period: thisMonth(),
      unpriced_calls: 0,
      job_types: {
        [example.jobType]: line(3, 2, ownCost, own),
        demo: line(1, 1, ofDemo.cost, other),
      },
      total: line(4, 3, ownCost.plus(ofDemo.cost), {
        flat: own.flat.plus(other.flat),
        tiered: own.tiered.plus(other.tiered),
        markup: own.markup.plus(other.markup),
      }),
    });
  });

  it('gives zeros and no margin for a month without jobs', async () => {
    const baseUrl = await startExample(await makeTeam(service));

    const answer = await fetch(`${baseUrl}/profit?period=2024-12`, {
      headers: { 'x-operator-key': OPERATOR_KEY },
    });

    const nothing = { revenue_usd: '0.00', profit_usd: '0.00', margin_percent: null };
    expect(await answer.json()).toEqual({
      period: '2024-12',
      unpriced_calls: 0,
      job_types: {},
      total: {
        jobs: 0,
        sold_jobs: 0,
        cost_usd: '0.00',
        flat: nothing,
        tiered: nothing,
        markup: nothing,
      },
    });
  });
});

/** What the pricing functions of a language give for the same questions, as text. */
const PYTHON_PRICES = `
import json, sys
sys.path.insert(0, 'examples')
from decimal import Decimal
from pricing import flat_price, markup_price, month_end, tier_price
print(json.dumps({
  'listed': [str(flat_price('document_analysis', Decimal(cost))) for cost in ('0', '0.0234', '9')],
  'rates': [str(flat_price(name, Decimal('9'))) for name in ('chat_session', 'data_extraction')],
  'unlisted': str(flat_price('anything_else', Decimal('0.03'))),
  'tiers': [str(tier_price(tokens)) for tokens in (0, 999, 1000, 4999, 5000)],
  'markup': [str(markup_price(Decimal(cost))) for cost in ('0.0234', '0.01', '0.0033')],
  'ends': [month_end('2026-11'), month_end('2026-12')],
}))`;

const NODE_PRICES = `
import { flatPrice, markupPrice, monthEnd, tierPrice, toPicos } from './examples/pricing.mjs';
const usd = (picos) => (Number(picos / 10n ** 10n) / 100).toFixed(2);
console.log(JSON.stringify({
  listed: [0, 0.0234, 9].map((cost) => usd(flatPrice('document_analysis', toPicos(cost)))),
  rates: ['chat_session', 'data_extraction'].map((name) => usd(flatPrice(name, toPicos(9)))),
  unlisted: usd(flatPrice('anything_else', toPicos(0.03))),
  tiers: [0, 999, 1000, 4999, 5000].map((tokens) => usd(tierPrice(tokens))),
  markup: [0.0234, 0.01, 0.0033].map((cost) => usd(markupPrice(toPicos(cost)))),
  ends: ['2026-11', '2026-12'].map((period) => monthEnd(period).replace('.000', '')),
}));`;

describe('the prices of the examples', () => {
  it.each([
    { language: 'Python', commandOf: (): [string, string[]] => [python, ['-B', '-c', PYTHON_PRICES]] },
    {
      language: 'JavaScript',
      commandOf: (): [string, string[]] => [process.execPath, ['--input-type=module', '-e', NODE_PRICES]],
    },
  ])('are those of the three strategies in $language', async ({ commandOf }) => {
    const { code, output } = await runCommand(...commandOf());

    expect([code, code === 0 ? JSON.parse(output) : output]).toEqual([
      0,
      {
        listed: ['0.50', '0.50', '0.50'],
        rates: ['0.10', '0.25'],
        unlisted: '0.06',
        tiers: ['0.05', '0.05', '0.15', '0.15', '0.30'],
        // 0.0351, 0.015 and 0.00495: half a cent goes up, less than half goes down.
        markup: ['0.04', '0.02', '0.00'],
        ends: ['2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
      },
    ]);
  });

  it('take amounts in JavaScript to the last of twelve decimals', async () => {
    const script = `
      import { toPicos } from './examples/pricing.mjs';
      const amounts = [0, 1e-12, 5.76e-7, 0.1, 18.75, 9007.1, 123456.789012];
      console.log(amounts.map((amount) => toPicos(amount)).join(' '));`;
    const { output } = await runCommand(process.execPath, ['--input-type=module', '-e', script]);

    expect(output.trim().split(' ')).toEqual([
      '0',
      '1',
      '576000',
      '100000000000',
      '18750000000000',
      '9007100000000000',
      '123456789012000000',
    ]);
  });
});
