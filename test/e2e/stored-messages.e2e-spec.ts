import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/identifiers.js';
import { Transactions } from '../../src/database/transactions.js';
import { LlmCallsService } from '../../src/llm-calls/llm-calls.service.js';
import type { Messages } from '../../src/llm-calls/llm-calls.types.js';
import { query } from '../support/database.js';
import { makeCall, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

const MESSAGES: Messages = {
  request: { messages: [{ role: 'user', content: 'Is this clause usual? Grüße' }], max_tokens: 5 },
  answer: { role: 'assistant', content: 'A confidential answer' },
};

describe('the messages of a call', () => {
  let service: TestService;
  let clock: TestClock;
  let team: TestTeam;
  let jobId: string;
  let callId: string;

  beforeAll(async () => {
    clock = new TestClock(new Date('2026-11-24T09:30:00.000Z'));
    service = await startTestService({
      clock,
      environment: { STORE_MESSAGES: 'true', MESSAGES_MAX_BYTES: '1024' },
    });
    team = await makeTeam(service);
  });
  beforeEach(async () => {
    clock.set('2026-11-24T09:30:00.000Z');
    jobId = await makeJob(service, team);
    callId = newId();
  });
  afterAll(() => service.stop());

  const store = (messages: Messages, name = callId): Promise<void> =>
    service.app
      .get(Transactions, { strict: false })
      .run((manager) =>
        service.app
          .get(LlmCallsService, { strict: false })
          .storeMessages(manager, { teamId: team.teamId, jobId, callId: name }, messages),
      );
  const get = (job: string, call: string, key?: string | null) =>
    service.call('get', `/api/jobs/${job}/calls/${call}/messages`, key === undefined ? {} : { key });

  it('are shown to the admin, with the end of their time thirty days later', async () => {
    await store(MESSAGES);
    const answer = await get(jobId, callId).expect(200);
    expect(answer.body).toEqual({
      call_id: callId,
      job_id: jobId,
      ...MESSAGES,
      created_at: '2026-11-24T09:30:00.000Z',
      expires_at: '2026-12-24T09:30:00.000Z',
    });
    const inCapitals = await get(jobId.toUpperCase(), callId.toUpperCase()).expect(200);
    expect(inCapitals.body).toEqual(answer.body);
  });

  it('have null for an answer that never came', async () => {
    await store({ ...MESSAGES, answer: null });
    const answer = await get(jobId, callId).expect(200);
    expect(answer.body).toMatchObject({ request: MESSAGES.request, answer: null });
  });

  it('are refused to a team, its own included, and to strangers, in no other words than always', async () => {
    await store(MESSAGES);
    const stranger = await makeTeam(service);
    const own = await get(jobId, callId, team.key).expect(403);
    expect(own.body.code).toBe('admin_key_required');
    for (const refused of [
      await get(jobId, callId, stranger.key).expect(403),
      await get(jobId, newId(), team.key).expect(403),
      await get(newId(), callId, team.key).expect(403),
    ]) {
      expect({ ...refused.body, request_id: '' }).toEqual({ ...own.body, request_id: '' });
    }
    expect(own.text).not.toContain('confidential');
    await get(jobId, callId, null).expect(401);
  });

  it('are not found when there are none, too large ones, or expired ones, in one and the same words', async () => {
    const large = newId();
    await store({ ...MESSAGES, answer: { content: 'x'.repeat(1_024) } }, large);
    await store(MESSAGES);
    const otherJob = await makeJob(service, team);
    const answers = [
      await get(jobId, large).expect(404),
      await get(jobId, newId()).expect(404),
      await get(jobId, 'no-such-call').expect(404),
      await get(otherJob, callId).expect(404),
    ];
    clock.advance({ days: 30 });
    answers.push(await get(jobId, callId).expect(404));
    for (const { body } of answers) {
      expect(body.code).toBe('messages_not_found');
      expect({ ...body, request_id: '' }).toEqual({ ...answers[0]!.body, request_id: '' });
    }
    for (const cause of ['not stored', 'expired', 'too large'])
      expect(answers[0]!.body.detail).toContain(cause);
  });

  it('are of a job that is there', async () => {
    for (const job of [newId(), 'no-such-job']) {
      expect((await get(job, callId).expect(404)).body.code).toBe('job_not_found');
    }
  });

  it('can be read after the team has been deleted', async () => {
    const gone = await makeTeam(service);
    const job = await makeJob(service, gone);
    await service.app
      .get(Transactions, { strict: false })
      .run((manager) =>
        service.app
          .get(LlmCallsService, { strict: false })
          .storeMessages(manager, { teamId: gone.teamId, jobId: job, callId }, MESSAGES),
      );
    await service.call('post', `/api/jobs/${job}/cancel`, { key: gone.key }).expect(200);
    await service.call('delete', `/api/teams/${gone.teamId}`).expect(200);
    await get(job, callId).expect(200);
  });
});

describe('a service that is not told to store messages', () => {
  it('keeps none of a call', async () => {
    const service = await startTestService();
    try {
      const team = await makeTeam(service);
      const jobId = await makeJob(service, team);
      await makeCall(service, team, jobId);
      expect(await query(service.database.url, 'SELECT FROM llm_call_messages')).toEqual([]);
      const [call] = await query<{ call_id: string }>(
        service.database.url,
        'SELECT call_id FROM llm_calls WHERE job_id = $1',
        [jobId],
      );
      const path = `/api/jobs/${jobId}/calls/${call!.call_id}/messages`;
      const answer = await service.call('get', path).expect(404);
      expect(answer.body.code).toBe('messages_not_found');
    } finally {
      await service.stop();
    }
  });
});
