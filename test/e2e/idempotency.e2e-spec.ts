import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import type { Response } from 'supertest';
import { Clock } from '../../src/common/clock.js';
import { IdempotencyService } from '../../src/idempotency/idempotency.service.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import { query } from '../support/database.js';
import { makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import {
  countJobs,
  countKeys,
  countWaiting,
  expectReplay,
  isReplay,
  jobCreation,
  post,
  waitUntil,
} from '../support/idempotency.js';
import {
  ledgerDifferences,
  MASTER_KEY,
  startTestService,
  type TestService,
  uniqueName,
} from '../support/service.js';

const DAY_MS = 86_400_000;

describe('a request with an Idempotency-Key', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    expect(await ledgerDifferences(service.database.url)).toEqual([]);
    await service.stop();
  });

  describe('that touches the database only', () => {
    it('sent 100 times at once takes effect once, and everybody gets the same bytes or is told to wait', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      const answers = await Promise.all(Array.from({ length: 100 }, () => post(service, sent)));

      const done = answers.filter((answer) => answer.status === 200);
      const waiting = answers.filter((answer) => answer.status !== 200);
      expect(done.filter((answer) => !isReplay(answer))).toHaveLength(1);
      expect(new Set(done.map((answer) => answer.text)).size).toBe(1);
      for (const answer of waiting) {
        expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_in_progress']);
        expect(answer.headers['retry-after']).toBe('1');
        expect(answer.headers['x-should-retry']).toBe('true');
      }
      expect(await countJobs(service, team)).toBe(1);
      expectReplay(
        await post(service, sent),
        done.find((answer) => !isReplay(answer))!,
      );
      expect(await countJobs(service, team)).toBe(1);
    });

    it('answers the first time as it would without the key', async () => {
      const team = await makeTeam(service);
      const check = { path: `/api/credits/teams/${team.teamId}/check`, key: team.key };
      const plain = await service.call('post', check.path, { key: team.key });
      const keyed = await post(service, { ...check, idempotencyKey: uniqueName('key') });
      expect(keyed.text).toBe(plain.text);
      expect(Object.keys(keyed.headers).sort()).toEqual(Object.keys(plain.headers).sort());
      expect(keyed.headers['content-type']).toBe(plain.headers['content-type']);
      expect(keyed.headers['content-length']).toBe(plain.headers['content-length']);
    });

    it('is refused when the key comes with another body, query or path', async () => {
      const team = await makeTeam(service);
      const other = await makeTeam(service);
      const idempotencyKey = uniqueName('key');
      const path = (one: TestTeam): string => `/api/credits/teams/${one.teamId}/check`;
      const first = await post(service, { path: path(team), idempotencyKey });
      expect(first.status).toBe(200);

      const refused = [
        await post(service, { path: `${path(team)}?credits_needed=2`, idempotencyKey }),
        await post(service, { path: path(other), idempotencyKey }),
      ];
      const sent = jobCreation(team, idempotencyKey);
      expect((await post(service, sent)).status).toBe(200);
      refused.push(await post(service, { ...sent, body: { job_type: 'another' } }));
      for (const answer of refused) {
        expect([answer.status, answer.body.code]).toEqual([422, 'idempotency_key_reused']);
        expect(answer.headers['x-should-retry']).toBe('false');
      }
      expect(await countJobs(service, team)).toBe(1);
      expectReplay(await post(service, { path: path(team), idempotencyKey }), first);
    });

    it('shares its key with no other route and no other caller', async () => {
      const team = await makeTeam(service);
      const other = await makeTeam(service);
      const idempotencyKey = uniqueName('key');
      const sent = jobCreation(team, idempotencyKey);
      const ofAdmin = { ...sent, key: MASTER_KEY, body: { job_type: 'demo', team_id: team.teamId } };
      const answers = [
        await post(service, sent),
        await post(service, { ...sent, key: other.key }),
        await post(service, ofAdmin),
        await post(service, {
          path: `/api/credits/teams/${team.teamId}/check`,
          key: team.key,
          idempotencyKey,
        }),
      ];
      expect(answers.map((answer) => [answer.status, isReplay(answer)])).toEqual(
        answers.map(() => [200, false]),
      );
      expect([await countJobs(service, team), await countJobs(service, other)]).toEqual([2, 1]);
      expectReplay(await post(service, { ...sent, key: other.key }), answers[1]!);
      expectReplay(await post(service, ofAdmin), answers[2]!);
    });

    it('takes a key in quotes for the same as the bare one', async () => {
      const team = await makeTeam(service);
      const key = `${uniqueName('key')} "\\ ~`;
      const first = await post(service, jobCreation(team, key));
      expectReplay(await post(service, jobCreation(team, `"${key.replaceAll(/["\\]/g, '\\$&')}"`)), first);
      expect(await countJobs(service, team)).toBe(1);
    });

    it('is not kept while credits are missing: the same key succeeds once they are there', async () => {
      const team = await makeTeam(service, { credits: 0 });
      const sent = jobCreation(team);
      for (let round = 0; round < 2; round += 1) {
        const refused = await post(service, sent);
        expect([refused.status, isReplay(refused)]).toEqual([402, false]);
      }
      expect(await countKeys(service, sent.idempotencyKey)).toBe(0);
      const path = `/api/credits/teams/${team.teamId}/add`;
      await service.call('post', path, { body: { credits: 1 } }).expect(200);
      const created = await post(service, sent);
      expect([created.status, isReplay(created)]).toEqual([200, false]);
      expectReplay(await post(service, sent), created);
    });

    it('is not kept while it is not valid', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      const refused = await post(service, { ...sent, body: { job_type: 7 } });
      expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
      expect((await post(service, { ...sent, body: { job_type: 'x', colour: 1 } })).status).toBe(422);
      expect((await post(service, sent)).status).toBe(200);
    });

    it('keeps that something exists already', async () => {
      const sent = {
        path: '/api/organizations/create',
        idempotencyKey: uniqueName('key'),
        body: { organization_id: uniqueName('org'), name: 'Org' },
      };
      await service.call('post', sent.path, { body: sent.body }).expect(200);
      const first = await post(service, sent);
      expect([first.status, first.body.code]).toEqual([400, 'organization_already_exists']);
      expect(first.body.request_id).toBe(first.headers['x-request-id']);
      expect(isReplay(first)).toBe(false);
      expectReplay(await post(service, sent), first);
    });

    it('keeps that something is missing, also after it is there', async () => {
      const teamId = uniqueName('team');
      const sent = {
        path: `/api/credits/teams/${teamId}/check`,
        idempotencyKey: uniqueName('key'),
      };
      const first = await post(service, sent);
      expect([first.status, first.body.code]).toEqual([404, 'team_not_found']);
      const { organizationId, groups } = await makeTeam(service);
      const body = { organization_id: organizationId, team_id: teamId, model_groups: groups };
      await service.call('post', '/api/teams/create', { body }).expect(200);
      expectReplay(await post(service, sent), first);
    });

    it('keeps that the team may not, also after it may again', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
      const refused = await post(service, sent);
      expect([refused.status, refused.body.code]).toEqual([403, 'team_suspended']);
      await service.call('put', `/api/teams/${team.teamId}/resume`).expect(200);
      expectReplay(await post(service, sent), refused);
      expect((await post(service, jobCreation(team))).status).toBe(200);
      expect(await countJobs(service, team)).toBe(1);
    });

    it('keeps a refusal with the header that forbids a retry', async () => {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const complete = (status: string, idempotencyKey: string): Promise<Response> =>
        post(service, {
          path: `/api/jobs/${jobId}/complete`,
          key: team.key,
          idempotencyKey,
          body: { status },
        });
      const ended = await complete('completed', 'end');
      expect([ended.status, isReplay(ended)]).toEqual([200, false]);
      expectReplay(await complete('completed', 'end'), ended);
      // By the state of the job, not by the key.
      expectReplay(await complete('completed', 'end again'), ended);
      const refused = await complete('failed', 'other end');
      expect([refused.status, refused.headers['x-should-retry']]).toEqual([409, 'false']);
      expectReplay(await complete('failed', 'other end'), refused);
    });

    it('leaves nothing behind after a fault, and its key is free', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      await query(service.database.url, 'ALTER TABLE credit_holds RENAME TO credit_holds_gone');
      const failed = await post(service, { ...sent, isFaultExpected: true });
      await query(service.database.url, 'ALTER TABLE credit_holds_gone RENAME TO credit_holds');
      expect(failed.status).toBe(500);
      expect(await countKeys(service, sent.idempotencyKey)).toBe(0);
      expect(await countJobs(service, team)).toBe(0);
      const created = await post(service, sent);
      expect([created.status, isReplay(created)]).toEqual([200, false]);
    });

    it('is run again as a whole after a deadlock, and takes effect once', async () => {
      const team = await makeTeam(service);
      const create = jest.spyOn(service.app.get(JobsService, { strict: false }), 'create');
      const rival = new Client({ connectionString: service.database.url });
      await rival.connect();
      try {
        // The request, which looks after a second, finds the deadlock before this one does, and gives way.
        await rival.query(`SET deadlock_timeout = '20s'`);
        await rival.query('BEGIN');
        await rival.query('SELECT FROM credit_accounts WHERE team_id = $1 FOR UPDATE', [team.teamId]);
        const sent = jobCreation(team);
        const answer = post(service, sent);
        await waitUntil(async () => (await countWaiting(service)) > 0);
        await rival.query('SELECT FROM teams WHERE team_id = $1 FOR UPDATE', [team.teamId]);
        await rival.query('COMMIT');

        const first = await answer;
        expect(first.status).toBe(200);
        // Twice, or more often where it gets in before the one that has waited.
        const runs = create.mock.calls.length;
        expect(runs).toBeGreaterThan(1);
        expect(await countJobs(service, team)).toBe(1);
        expectReplay(await post(service, sent), first);
        expect(create).toHaveBeenCalledTimes(runs);
      } finally {
        await rival.end();
      }
    });

    it('is not answered for a key of the team that was revoked meanwhile', async () => {
      const team = await makeTeam(service);
      const sent = { path: `/api/credits/teams/${team.teamId}/check`, key: team.key, idempotencyKey: 'x' };
      expect((await post(service, sent)).status).toBe(200);
      await service.call('delete', `/api/teams/${team.teamId}`).expect(200);
      const answer = await post(service, sent);
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    });

    it('gets its answer a second time after it was lost on the wire', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      const lost = httpRequest(`${service.baseUrl}${sent.path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${team.key}`,
          'content-type': 'application/json',
          'idempotency-key': sent.idempotencyKey,
        },
      });
      lost.on('error', () => undefined);
      lost.on('response', () => {
        throw new Error('The answer came too early to be lost.');
      });
      // Held up until the client is gone.
      const rival = new Client({ connectionString: service.database.url });
      await rival.connect();
      await rival.query('BEGIN');
      await rival.query('SELECT FROM credit_accounts WHERE team_id = $1 FOR UPDATE', [team.teamId]);
      lost.end(JSON.stringify(sent.body));
      await waitUntil(async () => (await countWaiting(service)) > 0);
      lost.destroy();
      await rival.query('COMMIT');
      await rival.end();
      await waitUntil(async () => (await countKeys(service, sent.idempotencyKey)) === 1);

      const answer = await post(service, sent);
      expect([answer.status, isReplay(answer)]).toEqual([200, true]);
      expect(await countJobs(service, team)).toBe(1);
    });

    it('needs no second connection: many at once do not wait for each other for ever', async () => {
      const small = await startTestService({
        database: service.database,
        environment: { DATABASE_POOL_SIZE: '2' },
      });
      try {
        const team = await makeTeam(small);
        const answers = await Promise.all(Array.from({ length: 20 }, () => post(small, jobCreation(team))));
        expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
        expect(await countJobs(service, team)).toBe(20);
      } finally {
        await small.stop();
      }
    });
  });

  describe('whose answer is stored', () => {
    it('keeps a secret in it secret', async () => {
      const team = await makeTeam(service);
      const sent = {
        path: '/api/teams/create',
        idempotencyKey: uniqueName('key'),
        body: {
          organization_id: team.organizationId,
          team_id: uniqueName('team'),
          model_groups: team.groups,
        },
      };
      const first = await post(service, sent);
      const key = first.body.virtual_key as string;
      expect(key.length).toBeGreaterThan(20);
      const stored = await query<{ answer: Buffer; row: string }>(
        service.database.url,
        'SELECT answer, idempotency_keys::text AS row FROM idempotency_keys WHERE idempotency_key = $1',
        [sent.idempotencyKey],
      );
      expect(stored).toHaveLength(1);
      for (const text of [key, sent.body.team_id]) {
        expect(stored[0]!.answer.includes(text)).toBe(false);
        expect(stored[0]!.row).not.toContain(text);
      }
      expect(stored[0]!.answer.length).toBeGreaterThan(first.text.length);
      expectReplay(await post(service, sent), first);
    });

    it('is told so when the key of the service has changed, and nothing happens again', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      await post(service, sent);
      const changed = await startTestService({
        database: service.database,
        environment: { ENCRYPTION_KEY: 'another-key-0123456789abcdef0123456789abcdef' },
      });
      try {
        const answer = await post(changed, sent);
        expect([answer.status, answer.body.code]).toEqual([409, 'idempotent_answer_unreadable']);
        expect(answer.headers['x-should-retry']).toBe('false');
      } finally {
        await changed.stop();
      }
      expect(await countJobs(service, team)).toBe(1);
    });

    it('is told so when the answer was too large, and nothing happens again', async () => {
      const small = await startTestService({
        database: service.database,
        environment: { IDEMPOTENCY_MAX_ANSWER_BYTES: '1024' },
      });
      try {
        const models = Array.from({ length: 20 }, (_, index) => ({
          model_name: `model-${String(index)}-${'x'.repeat(60)}`,
          priority: index,
        }));
        const sent = {
          path: '/api/model-groups/create',
          idempotencyKey: uniqueName('key'),
          body: { group_name: uniqueName('group'), models },
        };
        const first = await post(small, sent);
        expect(first.status).toBe(200);
        expect(first.text.length).toBeGreaterThan(1024);
        const answer = await post(small, sent);
        // Not 400, which would say that the group exists: the request is known.
        expect([answer.status, answer.body.code]).toEqual([409, 'idempotent_answer_too_large']);
        expect(answer.headers['x-should-retry']).toBe('false');
      } finally {
        await small.stop();
      }
    });

    it('is a new one once the answer has expired, a day later and no sooner', async () => {
      const team = await makeTeam(service);
      const sent = jobCreation(team);
      const clock = service.app.get(Clock, { strict: false });
      const start = Date.now();
      const now = jest.spyOn(clock, 'now');
      now.mockImplementation(() => new Date(start));
      const first = await post(service, sent);
      now.mockImplementation(() => new Date(start + DAY_MS - 1));
      expectReplay(await post(service, sent), first);
      now.mockImplementation(() => new Date(start + DAY_MS));
      // An expired key knows nothing of what it was for.
      const second = await post(service, { ...sent, body: { job_type: 'another' } });
      expect([second.status, isReplay(second)]).toEqual([200, false]);
      expect(await countJobs(service, team)).toBe(2);
      expectReplay(await post(service, { ...sent, body: { job_type: 'another' } }), second);
    });

    it('is forgotten by a sweep after it has expired, also by several at once', async () => {
      const own = await startTestService();
      const replica = await startTestService({ database: own.database });
      try {
        const team = await makeTeam(own);
        for (let index = 0; index < 25; index += 1) {
          const path = `/api/credits/teams/${team.teamId}/check`;
          expect((await post(own, { path, idempotencyKey: `key ${String(index)}` })).status).toBe(200);
        }
        const services = [own, replica].map((one) => one.app.get(IdempotencyService, { strict: false }));
        const sweepAll = async (): Promise<number> => {
          const counts = await Promise.all([...services, ...services].map((one) => one.sweep(4)));
          return counts.reduce((total, one) => total + one, 0);
        };
        expect(await sweepAll()).toBe(0);
        for (const one of [own, replica]) {
          const clock = one.app.get(Clock, { strict: false });
          jest.spyOn(clock, 'now').mockImplementation(() => new Date(Date.now() + DAY_MS));
        }
        // Whoever finds the rest locked stops, so that the last ones may be left to the next sweep.
        let deleted = 0;
        for (let round = 0; round < 10; round += 1) deleted += await sweepAll();
        expect(deleted).toBe(25);
        expect(await query(own.database.url, 'SELECT FROM idempotency_keys')).toEqual([]);
      } finally {
        await replica.stop();
        await own.stop();
      }
    });
  });

  describe('that cannot be one', () => {
    /** Sends the header as it is, also where a client library would refuse to. */
    async function sendRaw(
      method: string,
      path: string,
      headers: OutgoingHttpHeaders,
    ): Promise<{ status: number; body: { errors?: { field: string; code: string }[] } }> {
      const sent = httpRequest(service.baseUrl + path, {
        method,
        headers: { authorization: `Bearer ${MASTER_KEY}`, ...headers },
      });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      return { status: answer.statusCode ?? 0, body: JSON.parse(text) as object };
    }

    it.each<[string, OutgoingHttpHeaders]>([
      ['empty', { 'idempotency-key': '' }],
      ['of blanks', { 'idempotency-key': '   ' }],
      ['empty in quotes', { 'idempotency-key': '""' }],
      ['of 256 characters', { 'idempotency-key': 'x'.repeat(256) }],
      ['not ASCII', { 'idempotency-key': 'schlüssel' }],
      ['with a tab in it', { 'idempotency-key': 'a\tb' }],
      ['with one quote', { 'idempotency-key': '"abc' }],
      ['two in one', { 'idempotency-key': '"a", "b"' }],
      ['there twice', { 'idempotency-key': ['a', 'b'] }],
      ['there twice, the same', { 'idempotency-key': ['a', 'a'] }],
    ])('is refused: %s', async (_, headers) => {
      const team = await makeTeam(service);
      const answer = await sendRaw('POST', `/api/credits/teams/${team.teamId}/check`, headers);
      expect([answer.status, answer.body.errors?.map(({ field, code }) => [field, code])]).toEqual([
        422,
        [['Idempotency-Key', 'invalid_idempotency_key']],
      ]);
    });

    it('is taken with 255 characters, bare or in quotes', async () => {
      const team = await makeTeam(service);
      const path = `/api/credits/teams/${team.teamId}/check`;
      for (const key of ['x'.repeat(255), `"${'y'.repeat(255)}"`]) {
        expect((await sendRaw('POST', path, { 'idempotency-key': key })).status).toBe(200);
      }
    });

    it('is no matter to other methods', async () => {
      const team = await makeTeam(service);
      const bad = { 'idempotency-key': '""' };
      expect((await sendRaw('GET', `/api/teams/${team.teamId}`, bad)).status).toBe(200);
      expect((await sendRaw('PUT', `/api/teams/${team.teamId}/suspend`, bad)).status).toBe(200);
      expect(
        (await sendRaw('PUT', `/api/teams/${team.teamId}/resume`, { 'idempotency-key': 'k' })).status,
      ).toBe(200);
      expect((await sendRaw('DELETE', `/api/teams/${team.teamId}`, bad)).status).toBe(200);
      expect(await countKeys(service, 'k')).toBe(0);
    });
  });
});
