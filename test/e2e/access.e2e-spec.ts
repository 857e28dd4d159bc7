import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { makeJob, makeTeam, MESSAGES } from '../support/factories.js';
import { query } from '../support/database.js';
import { MASTER_KEY, startTestService, type TestService } from '../support/service.js';
import { generateKey } from '../../src/keys/key-format.js';

describe('access', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  it('is refused with one and the same answer for every key that is not usable', async () => {
    const team = await makeTeam(service);
    const revoked = await makeTeam(service);
    await query(service.database.url, 'UPDATE virtual_keys SET revoked_at = now() WHERE team_id = $1', [
      revoked.teamId,
    ]);
    const headers = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer a b',
      `Basic ${Buffer.from(`x:${MASTER_KEY}`).toString('base64')}`,
      `Bearer ${MASTER_KEY}x`,
      `Bearer ${generateKey()}`,
      `Bearer ${team.key.slice(0, -1)}_`,
      `Bearer ${revoked.key}`,
      MASTER_KEY,
    ];
    const answers = new Set<string>();
    for (const header of headers) {
      const test = request(service.baseUrl).get(`/api/teams/${team.teamId}`);
      const answer = await (header === undefined ? test : test.set('authorization', header)).expect(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      answers.add(JSON.stringify({ ...answer.body, request_id: '' }));
    }
    expect(answers.size).toBe(1);
  });

  it('takes no key from the body or the query', async () => {
    await request(service.baseUrl).get('/api/teams/x').query({ access_token: MASTER_KEY }).expect(401);
    await request(service.baseUrl)
      .post('/api/organizations/create')
      .send({ organization_id: 'x', name: 'x', access_token: MASTER_KEY })
      .expect(401);
  });

  it('takes the admin key by X-Admin-Key too, and a team key not', async () => {
    const team = await makeTeam(service);
    const path = `/api/organizations/${team.organizationId}`;
    const get = () => request(service.baseUrl).get(path);
    await get().set('x-admin-key', MASTER_KEY).expect(200);
    await get().set('x-admin-key', 'wrong').expect(401);
    await get().set('x-admin-key', team.key).expect(401);
    // Authorization wins where both are there.
    await get().set('x-admin-key', MASTER_KEY).set('authorization', `Bearer ${team.key}`).expect(403);
  });

  it('to a path of another team is refused alike whether that team exists or not', async () => {
    const team = await makeTeam(service);
    const other = await makeTeam(service);
    for (const path of [
      '/api/teams/ID',
      '/api/teams/ID/jobs',
      '/api/teams/ID/usage',
      '/api/credits/teams/ID/balance',
    ]) {
      const get = async (teamId: string) =>
        (await service.call('get', path.replace('ID', teamId), { key: team.key }).expect(403)).body as object;
      expect({ ...(await get(other.teamId)), request_id: '' }).toEqual({
        ...(await get('nobody')),
        request_id: '',
      });
      await service.call('get', path.replace('ID', team.teamId), { key: team.key }).expect(200);
      await service.call('get', path.replace('ID', 'nobody')).expect(404);
    }
  });

  it('ends for a call with the revocation of its key, on every replica', async () => {
    const replica = await startTestService({ database: service.database });
    try {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      const call = (on: TestService) =>
        on.call('post', `/api/jobs/${jobId}/llm-call`, { key: team.key, body: { messages: MESSAGES } });
      await call(replica).expect(200);
      await service.call('put', `/api/teams/${team.teamId}/suspend`).expect(200);
      await call(replica).expect(403);
      await service.call('put', `/api/teams/${team.teamId}/resume`).expect(200);
      await call(replica).expect(200);
      await query(service.database.url, 'UPDATE virtual_keys SET revoked_at = now() WHERE team_id = $1', [
        team.teamId,
      ]);
      await call(replica).expect(401);
    } finally {
      await replica.stop();
    }
  });

  it('never shows a key again, and keeps only its hash', async () => {
    const team = await makeTeam(service);
    const shown = await service.call('get', `/api/teams/${team.teamId}`).expect(200);
    expect(JSON.stringify(shown.body)).not.toContain(team.key);
    expect(shown.body).not.toHaveProperty('virtual_key');
    const rows = await query<{ row: string }>(
      service.database.url,
      'SELECT virtual_keys::text AS row FROM virtual_keys',
    );
    expect(rows.map((row) => row.row).join()).not.toContain(team.key);
  });

  it('puts a request id on every answer, the caller’s where it is harmless', async () => {
    const get = () => request(service.baseUrl).get('/health/live');
    expect((await get().set('x-request-id', 'abc-123_X')).headers['x-request-id']).toBe('abc-123_X');
    const replaced = await get().set('x-request-id', 'a b<script>');
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await request(service.baseUrl).get('/api/teams/x').set('x-request-id', 'mine');
    expect(refused.body.request_id).toBe('mine');
  });

  describe('in open mode', () => {
    let open: TestService;

    beforeAll(async () => {
      open = await startTestService({ database: service.database, environment: { AUTH_MODE: 'open' } });
    });
    afterAll(() => open.stop());

    it('treats a missing header as the admin, and still refuses a bad key', async () => {
      const team = await makeTeam(service);
      await open.call('get', `/api/teams/${team.teamId}`, { key: null }).expect(200);
      await open.call('get', `/api/organizations/${team.organizationId}`, { key: team.key }).expect(403);
      await open.call('get', `/api/teams/${team.teamId}`, { key: 'sk-wrong' }).expect(401);
      const job = await open
        .call('post', '/api/jobs/create', { key: null, body: { team_id: team.teamId, job_type: 'demo' } })
        .expect(200);
      await open
        .call('post', `/api/jobs/${job.body.job_id as string}/llm-call`, {
          key: null,
          body: { messages: MESSAGES },
        })
        .expect(200);
    });

    it.each([
      ['x-forwarded-for', '203.0.113.9'],
      ['forwarded', 'for=203.0.113.9'],
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
    ])('is closed to a request with %s: %s', async (name, value) => {
      await request(open.baseUrl).get('/api/teams/x').set(name, value).expect(401);
      await request(open.baseUrl).get('/api/teams/x').set('origin', open.baseUrl).expect(404);
    });

    it('is closed to a host name that somebody else may have pointed here', async () => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const { port } = new URL(open.baseUrl);
        httpRequest(
          { port, host: '127.0.0.1', path: '/api/teams/x', headers: { host: 'evil.example' } },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        )
          .on('error', reject)
          .end();
      });
      expect(status).toBe(401);
    });
  });
});
