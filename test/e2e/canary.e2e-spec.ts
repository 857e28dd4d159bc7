import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BREAKER_FAILURES,
  GROUPS,
  driveAbsence,
  driveDetours,
  driveFailures,
  driveLostRecords,
  driveReplays,
  driveRests,
  driveSuccesses,
} from '../support/canary-calls.js';
import { capture, type CapturedAnswer } from '../support/canary-capture.js';
import { CONTENT, type Mark, MARKERS, PROMPT, UPSTREAM_MARKS } from '../support/canary-markers.js';
import { driveMistakes, driveRoutes, sendUnreadable } from '../support/canary-routes.js';
import { findLeaks, findMarks, findWords } from '../support/canary-search.js';
import { CanaryTeam } from '../support/canary-team.js';
import { type CanaryUpstream, modelOf, startCanaryUpstream } from '../support/canary-upstream.js';
import { contract } from '../support/contract.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';
import { makeWorkplace, type ServerProcess, startServer, type Workplace } from '../support/server-process.js';

/*
 * A team does all that it can do against an upstream that marks whatever it says, and no mark may come
 * through but that of the generated content. The service runs as its users run it, so that its log is what
 * an operator would find.
 */

const MASTER_KEY = 'sk-canary-master-0123456789abcdef0123456789';
const ENCRYPTION_KEY = 'canary-encryption-0123456789abcdef0123456789';

describe.each(['development', 'production'])('the service in %s', (mode) => {
  let workplace: Workplace;
  let database: TestDatabase;
  let upstream: CanaryUpstream;
  let server: ServerProcess;
  let team: CanaryTeam;
  let jobs: ReadonlyMap<string, string>;
  let unreadable: string;
  let marks: readonly Mark[];

  beforeAll(async () => {
    workplace = await makeWorkplace();
    database = await createTestDatabase();
    upstream = await startCanaryUpstream();
    marks = [...UPSTREAM_MARKS, ...upstream.marks];
    server = await startServer({ workplace, environment: environmentOf(mode, database, upstream) });
    team = await CanaryTeam.create({ baseUrl: server.baseUrl, masterKey: MASTER_KEY }, GROUPS);
    await driveSuccesses(team);
    jobs = await driveFailures(team);
    await driveRests(team);
    await driveReplays(team);
    await driveDetours(team);
    await driveRoutes(team, jobs.values());
    await driveMistakes(team);
    unreadable = await sendUnreadable(server.baseUrl);
    await withUnwritableErrors(database, () => driveLostRecords(team));
    await upstream.stop();
    await driveAbsence(team);
  }, 300_000);

  afterAll(async () => {
    await upstream.stop();
    await server.end('SIGTERM');
    await database.drop();
    await workplace.remove();
  });

  it('is asked for every operation of the contract', () => {
    expect([...team.driven].sort()).toEqual(contract.operations.map(({ operationId }) => operationId).sort());
  });

  it('asks the upstream for everything that it can do', () => {
    const behaviours = new Set(Object.values(GROUPS).flat());

    expect([...upstream.asked].sort()).toEqual([...behaviours].sort());
  });

  it('answers a team without a byte of the upstream but the generated content', () => {
    expect(leaksIn(team.answers, marks)).toEqual([]);
    expect(findMarks(unreadable, marks)).toEqual([]);
  });

  it('names no provider to a team, and not the proxy', () => {
    const named = team.answers.flatMap((answer) => {
      const words = findWords(answer);
      return words.length === 0 ? [] : [`${answer.method} ${answer.path}: ${words.join()}`];
    });

    expect([...new Set(named)]).toEqual([]);
  });

  it('tells the admin what it hides from the team', async () => {
    const told = await Promise.all([...jobs].map(async ([, jobId]) => team.costsOf(jobId)));
    const kinds = new Set(findMarks(told.join('\n'), marks).map(({ kind }) => kind));

    for (const kind of ['model', 'error', 'host', 'key', 'id']) expect([...kinds]).toContain(kind);
  });

  it('logs nothing of the upstream, of what was asked and answered, and of any key', () => {
    const secrets = { PROMPT, CONTENT, MASTER_KEY, ENCRYPTION_KEY, 'team key': team.key };
    const kept = Object.entries(secrets).map(([kind, text]) => ({ kind, text }));
    const log = server.output();
    const lines = log.split('\n').filter((line) => line.startsWith('{'));

    expect(lines.some((line) => line.includes('refuses the service key'))).toBe(true);
    expect(lines.some((line) => line.includes('no_upstream_text'))).toBe(true);
    // Every request has a line at the level of production, and at that of development none.
    expect(lines.some((line) => line.startsWith('{"level":30,'))).toBe(mode === 'production');
    expect(lines.filter((line) => findMarks(line, [...marks, ...kept]).length > 0)).toEqual([]);
    expect(findMarks(log, [...marks, ...kept])).toEqual([]);
  });
});

function environmentOf(mode: string, database: TestDatabase, upstream: CanaryUpstream) {
  return {
    NODE_ENV: mode,
    MASTER_KEY,
    ENCRYPTION_KEY,
    DATABASE_URL: database.url,
    LITELLM_BASE_URL: upstream.baseUrl,
    LITELLM_API_KEY: `sk-${MARKERS.key}`,
    STORE_MESSAGES: 'true',
    BREAKER_FAILURES: String(BREAKER_FAILURES),
    BREAKER_REST_MS: '3600000',
    RETRY_AFTER_MAX_MS: '3600000',
    ATTEMPT_TIMEOUT_MS: '3000',
    CALL_TIMEOUT_MS: '8000',
    STREAM_IDLE_TIMEOUT_MS: '1500',
    STREAM_KEEP_ALIVE_MS: '200',
    UPSTREAM_MAX_ANSWER_BYTES: '131072',
    UPSTREAM_MAX_FRAME_BYTES: '16384',
    MAX_BODY_BYTES: '65536',
    MAX_CALL_BODY_BYTES: '65536',
    SHUTDOWN_DELAY_MS: '0',
  };
}

/** Meanwhile the database refuses to keep the upstream's text, and says in its own error what that was. */
async function withUnwritableErrors(database: TestDatabase, work: () => Promise<void>): Promise<void> {
  const change = (sql: string) => query(database.url, `ALTER TABLE llm_attempts ${sql}`);
  await change('ADD CONSTRAINT no_upstream_text CHECK (upstream_error IS NULL) NOT VALID');
  await work();
  await change('DROP CONSTRAINT no_upstream_text');
}

/** Every leak once, with the first answer that has it. */
function leaksIn(answers: readonly CapturedAnswer[], marks: readonly Mark[]): string[] {
  const found = new Map<string, string>();
  for (const answer of answers) {
    for (const { kind, form } of findLeaks(answer, marks)) {
      const where = `${answer.method} ${answer.path.replaceAll(/[0-9a-f-]{36}/g, '{id}')} ${String(answer.status)}`;
      if (!found.has(`${kind}, ${form}, ${where}`)) found.set(`${kind}, ${form}, ${where}`, answer.body);
    }
  }
  return [...found].map(([leak, body]) => `${leak}: ${body.slice(0, 2_000)}`);
}

describe('the search for leaks', () => {
  const CLEAN: CapturedAnswer = {
    method: 'POST',
    path: '/api/jobs/1/llm-call',
    status: 200,
    statusMessage: 'OK',
    headers: ['content-type', 'application/json', 'x-request-id', '1'],
    body: `data: {"choices":[{"delta":{"content":"${CONTENT}"}}]}\n\ndata: [DONE]\n\n`,
    trailers: [],
    interim: [],
  };

  /** A mark at each place of an answer. */
  const PLACES: Readonly<Record<string, (text: string) => CapturedAnswer>> = {
    'the reason of the status': (text) => ({ ...CLEAN, statusMessage: `OK ${text}` }),
    'the name of a header': (text) => ({ ...CLEAN, headers: [...CLEAN.headers, `x-${text}`, '1'] }),
    'the value of a header': (text) => ({ ...CLEAN, headers: [...CLEAN.headers, 'server', text] }),
    'a comment of a stream': (text) => ({ ...CLEAN, body: `: ${text}\n\n${CLEAN.body}` }),
    'a field of a frame': (text) => ({ ...CLEAN, body: `data: {"id":"${text}"}\n\n${CLEAN.body}` }),
    'a trailer': (text) => ({ ...CLEAN, trailers: ['x-end', text] }),
    'an answer before the answer': (text) => ({ ...CLEAN, interim: ['Early Hints', 'link', text] }),
  };

  const coded = (text: string, write: (code: number) => string): string =>
    Array.from(text, (character) => write(character.charCodeAt(0))).join('');
  const hexOf = (code: number): string => code.toString(16).padStart(2, '0');

  /** A mark in each form. */
  const FORMS: Readonly<Record<string, (text: string) => string>> = {
    'as it is': (text) => text,
    'in capitals': (text) => text.toUpperCase(),
    'inside of a word': (text) => `a${text}b`,
    'percent-encoded': (text) => coded(text, (code) => `%${hexOf(code)}`),
    'with JSON escapes': (text) => coded(text, (code) => `\\u00${hexOf(code).toUpperCase()}`),
    'with HTML escapes': (text) => coded(text, (code) => `&#x${hexOf(code)};`),
    'in hex': (text) => Buffer.from(text).toString('hex').toUpperCase(),
    'in base64': (text) => Buffer.from(text).toString('base64'),
    'in base64, one byte later': (text) => Buffer.from(`-${text}!`).toString('base64'),
    'in base64, two bytes later': (text) => Buffer.from(`--${text}--`).toString('base64url'),
  };

  it('finds none in an answer that has only generated content', () => {
    expect(findLeaks(CLEAN, UPSTREAM_MARKS)).toEqual([]);
    expect(findWords(CLEAN)).toEqual([]);
  });

  describe.each(Object.keys(PLACES))('in %s', (place) => {
    it.each(Object.keys(FORMS))('finds every mark %s, and no other', (form) => {
      for (const { kind, text } of UPSTREAM_MARKS) {
        const found = findLeaks(PLACES[place]!(FORMS[form]!(text)), UPSTREAM_MARKS);
        expect([...new Set(found.map((leak) => leak.kind))]).toEqual([kind]);
      }
    });

    it('finds the name of a provider', () => {
      expect(findWords(PLACES[place]!('X-LiteLLM'))).toEqual(['litellm']);
      expect(findWords(PLACES[place]!('api.openai.com'))).toEqual(['openai']);
    });
  });

  it('lets the documentation speak of the shape that the API has, and of no other name', () => {
    expect(findWords({ ...CLEAN, path: '/docs', body: 'OpenAI' })).toEqual([]);
    expect(findWords({ ...CLEAN, path: '/docs', body: 'Azure OpenAI' })).toEqual(['azure']);
    expect(findWords({ ...CLEAN, path: '/v1/models', body: 'OpenAI' })).toEqual(['openai']);
  });

  it.each([
    ['a completion', '/v1/chat/completions', 'ok', {}],
    ['a stream', '/v1/chat/completions', 'ok', { stream: true }],
    ['an error', '/v1/chat/completions', 'error-500', {}],
    ['an error in a stream', '/v1/chat/completions', 'late-error', { stream: true }],
    ['embeddings', '/v1/embeddings', 'ok', { input: 'x' }],
  ])('would find every mark in %s that is passed on as it comes', async (_, path, behaviour, body) => {
    const upstream = await startCanaryUpstream();
    try {
      const answer = await capture(upstream.baseUrl, {
        method: 'POST',
        path,
        body: { model: modelOf(behaviour), messages: [], ...body },
      });
      const kinds = new Set(findLeaks(answer, UPSTREAM_MARKS).map(({ kind }) => kind));
      const expected = Object.keys(MARKERS).filter((kind) => behaviour !== 'ok' || kind !== 'error');

      expect([...kinds].sort()).toEqual(expected.sort());
    } finally {
      await upstream.stop();
    }
  });
});
