import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/identifiers.js';
import { Transactions } from '../../src/database/transactions.js';
import { LlmCallsService } from '../../src/llm-calls/llm-calls.service.js';
import type { CallName, Messages } from '../../src/llm-calls/llm-calls.types.js';
import { StoredMessagesService } from '../../src/llm-calls/stored-messages.service.js';
import { query } from '../support/database.js';
import { startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

const MESSAGES: Messages = {
  request: {
    messages: [{ role: 'user', content: 'The secret plan: Grüße \u{1f600} "now"\n' }],
    temperature: 0.5,
  },
  answer: { role: 'assistant', content: 'A secret answer', finish_reason: 'stop' },
};
const WITHOUT_ANSWER: Messages = { request: { a: 1 }, answer: null };
const HOUR_MS = 3_600_000;

describe('messages of calls', () => {
  let service: TestService;
  let clock: TestClock;
  let call: CallName;

  beforeAll(async () => {
    clock = new TestClock(new Date('2026-11-24T09:30:00.123Z'));
    service = await startTestService({
      clock,
      environment: {
        STORE_MESSAGES: 'true',
        MESSAGES_TTL_MS: String(HOUR_MS),
        MESSAGES_MAX_BYTES: '2000',
      },
    });
  });
  beforeEach(async () => {
    clock.set('2026-11-24T09:30:00.123Z');
    call = newCall();
    await query(service.database.url, 'DELETE FROM llm_call_messages');
  });
  afterAll(() => service.stop());

  const newCall = (): CallName => ({ teamId: 'team-a', jobId: newId(), callId: newId() });
  const store = (name: CallName, messages: Messages, on = service): Promise<void> =>
    on.app
      .get(Transactions, { strict: false })
      .run((manager) =>
        on.app.get(LlmCallsService, { strict: false }).storeMessages(manager, name, messages),
      );
  const read = ({ callId, ...job }: CallName, on = service): Promise<unknown> =>
    on.app.get(LlmCallsService, { strict: false }).getMessages(job, callId);
  const sweep = (batchSize: number): Promise<number> =>
    service.app.get(StoredMessagesService, { strict: false }).sweep(batchSize);
  const rows = (): Promise<Record<string, unknown>[]> =>
    query(service.database.url, 'SELECT * FROM llm_call_messages ORDER BY call_id');
  const NOT_FOUND = { code: 'messages_not_found' };

  /** A service over the same rows with other settings, while `work` lasts. */
  async function withOther(
    environment: Record<string, string>,
    work: (other: TestService) => Promise<void>,
  ): Promise<void> {
    const other = await startTestService({ database: service.database, clock, environment });
    try {
      await work(other);
    } finally {
      await other.stop();
    }
  }

  it.each([
    ['with an answer', MESSAGES],
    ['without one', WITHOUT_ANSWER],
  ])('are read as they were stored, %s, with their time', async (_, messages) => {
    await store(call, messages);
    expect(await read(call)).toEqual({
      ...call,
      ...messages,
      createdAt: new Date('2026-11-24T09:30:00.123Z'),
      expiresAt: new Date('2026-11-24T10:30:00.123Z'),
    });
    expect(await read({ ...call, callId: call.callId.toUpperCase() })).toMatchObject(messages);
  });

  it('are nowhere in the table as they are', async () => {
    await store(call, MESSAGES);
    const [row] = await rows();
    const { content, ...others } = row as { content: Buffer };
    for (const part of ['secret', 'Grüße', 'assistant', 'temperature', 'finish_reason']) {
      expect(content.includes(part)).toBe(false);
      expect(JSON.stringify(others)).not.toContain(part);
    }
    // The same messages again are other bytes.
    const again = { ...call, callId: newId() };
    await store(again, MESSAGES);
    const contents = (await rows()).map((one) => (one['content'] as Buffer).toString('hex'));
    expect(new Set(contents).size).toBe(2);
  });

  it('cannot be read from the row of another call, job or team', async () => {
    await store(call, MESSAGES);
    const others = [
      { ...call, callId: newId() },
      { ...call, callId: newId(), teamId: 'team-b' },
      { ...call, callId: newId(), jobId: newId() },
    ];
    for (const other of others) {
      await store(other, WITHOUT_ANSWER);
      await query(
        service.database.url,
        `UPDATE llm_call_messages SET content = (SELECT content FROM llm_call_messages WHERE call_id = $1)
          WHERE call_id = $2`,
        [call.callId, other.callId],
      );
      await expect(read(other)).rejects.toMatchObject(NOT_FOUND);
    }
  });

  it.each([
    ['job', { jobId: newId() }],
    ['team', { teamId: 'team-b' }],
  ])('cannot be read from a row that was moved as a whole into another %s', async (_, change) => {
    await store(call, MESSAGES);
    const moved = { ...call, ...change };
    const move = (to: CallName): Promise<object[]> =>
      query(service.database.url, 'UPDATE llm_call_messages SET job_id = $1, team_id = $2', [
        to.jobId,
        to.teamId,
      ]);
    await move(moved);
    await expect(read(moved)).rejects.toMatchObject(NOT_FOUND);
    await move(call);
    expect(await read(call)).toMatchObject(MESSAGES);
  });

  it('cannot be read with another key', async () => {
    await store(call, MESSAGES);
    await withOther({ ENCRYPTION_KEY: 'another-key-of-32-characters-or-more' }, async (other) => {
      await expect(read(call, other)).rejects.toMatchObject(NOT_FOUND);
    });
    expect(await read(call)).toMatchObject(MESSAGES);
  });

  it('are not stored unless it is said, and what was stored before can still be read', async () => {
    await store(call, MESSAGES);
    await withOther({}, async (silent) => {
      const other = newCall();
      await store(other, MESSAGES, silent);
      expect(await rows()).toHaveLength(1);
      await expect(read(other, silent)).rejects.toMatchObject(NOT_FOUND);
      expect(await read(call, silent)).toMatchObject(MESSAGES);
    });
  });

  it('are stored up to the largest size, and of larger ones only that they were', async () => {
    // {"request":{"text":""},"answer":null} is 37 bytes long.
    const ofBytes = (bytes: number): Messages => ({
      request: { text: 'x'.repeat(bytes - 37) },
      answer: null,
    });
    expect(JSON.stringify(ofBytes(2_000))).toHaveLength(2_000);
    const [largest, larger, wide] = [newCall(), newCall(), newCall()];
    await store(largest, ofBytes(2_000));
    await store(larger, ofBytes(2_001));
    // 1,000 characters, of 3 bytes each.
    await store(wide, { request: { text: '字'.repeat(1_000) }, answer: null });
    expect(await read(largest)).toMatchObject(ofBytes(2_000));
    for (const name of [larger, wide]) await expect(read(name)).rejects.toMatchObject(NOT_FOUND);
    const stored = (await rows()).map((row) => [
      row['call_id'],
      row['is_too_large'],
      row['content'] === null,
    ]);
    expect(stored).toEqual([
      [largest.callId, false, false],
      [larger.callId, true, true],
      [wide.callId, true, true],
    ]);
  });

  it('go with the transaction that stores them', async () => {
    const transactions = service.app.get(Transactions, { strict: false });
    const llmCalls = service.app.get(LlmCallsService, { strict: false });
    await expect(
      transactions.run(async (manager) => {
        await llmCalls.storeMessages(manager, call, MESSAGES);
        throw new Error('The call is not recorded.');
      }),
    ).rejects.toThrow('not recorded');
    expect(await rows()).toEqual([]);
  });

  it('are gone for readers the moment they expire, and from the table with the next sweep', async () => {
    await store(call, MESSAGES);
    clock.advance({ ms: HOUR_MS - 1 });
    expect(await read(call)).toMatchObject(MESSAGES);
    expect(await sweep(10)).toBe(0);
    clock.advance({ ms: 1 });
    await expect(read(call)).rejects.toMatchObject(NOT_FOUND);
    expect(await rows()).toHaveLength(1);
    expect(await sweep(10)).toBe(1);
    expect(await rows()).toEqual([]);
  });

  it('are swept in batches until none that has expired is left, and no others', async () => {
    for (let index = 0; index < 7; index += 1) await store(newCall(), MESSAGES);
    clock.advance({ ms: HOUR_MS / 2 });
    await store(call, MESSAGES);
    clock.advance({ ms: HOUR_MS / 2 });
    expect(await sweep(3)).toBe(7);
    expect((await rows()).map((row) => row['call_id'])).toEqual([call.callId]);
  });

  it('are each deleted by one of several sweeps at once', async () => {
    for (let index = 0; index < 20; index += 1) await store(newCall(), WITHOUT_ANSWER);
    clock.advance({ hours: 2 });
    const counts = await Promise.all(Array.from({ length: 4 }, () => sweep(5)));
    expect(counts.reduce((sum, count) => sum + count, 0) + (await sweep(5))).toBe(20);
    expect(await rows()).toEqual([]);
  });

  it('that have expired are swept by a service that starts, also one that stores none', async () => {
    await store(call, MESSAGES);
    clock.advance({ hours: 2 });
    await withOther({}, async () => {
      for (let tries = 0; tries < 500 && (await rows()).length > 0; tries += 1) continue;
    });
    expect(await rows()).toEqual([]);
  });
});
