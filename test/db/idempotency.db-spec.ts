import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '../../src/common/domain-error.js';
import { Transactions } from '../../src/database/transactions.js';
import { IdempotencyService } from '../../src/idempotency/idempotency.service.js';
import type { Answer, KeyedRequest, KeyedWork } from '../../src/idempotency/idempotency.types.js';
import { query } from '../support/database.js';
import { startTestService, type TestService, uniqueName } from '../support/service.js';

const ANSWER: Answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"a":1}' };

describe('a keyed request', () => {
  let service: TestService;
  let transactions: Transactions;
  let idempotency: IdempotencyService;
  let request: KeyedRequest;

  beforeAll(async () => {
    service = await startTestService();
    transactions = service.app.get(Transactions, { strict: false });
    idempotency = service.app.get(IdempotencyService, { strict: false });
    await query(service.database.url, 'CREATE TABLE marks (text text PRIMARY KEY)');
  });
  beforeEach(() => {
    request = {
      caller: 'admin',
      route: 'POST /api/marks',
      key: uniqueName('key'),
      fingerprint: Buffer.alloc(32, 1),
    };
  });
  afterAll(() => service.stop());

  const mark = (text: string): Promise<void> =>
    transactions.run(async (manager) => {
      await manager.query('INSERT INTO marks VALUES ($1)', [text]);
    });
  const isMarked = async (text: string): Promise<boolean> =>
    (await query(service.database.url, 'SELECT FROM marks WHERE text = $1', [text])).length === 1;

  function workOf(handle: () => Promise<void>): KeyedWork {
    return {
      handle: async () => {
        await handle();
        return ANSWER;
      },
      answerOf: (error) => ({ status: 409, headers: {}, body: error.code }),
    };
  }

  function refuse(kind: 'conflict' | 'insufficient_credits'): never {
    throw new DomainError({ kind, code: 'refused', message: 'Refused.' });
  }

  it('leaves nothing of a handler that is refused after it has done something, and keeps the refusal', async () => {
    const [first, second] = [uniqueName('mark'), uniqueName('mark')];
    let runs = 0;
    const work = workOf(async () => {
      runs += 1;
      await mark(first);
      await transactions.manager.query('INSERT INTO marks VALUES ($1)', [second]);
      refuse('conflict');
    });
    expect(await idempotency.runInTransaction(request, work)).toMatchObject({
      kind: 'error',
      error: { code: 'refused' },
    });
    expect([await isMarked(first), await isMarked(second)]).toEqual([false, false]);
    expect(await idempotency.runInTransaction(request, work)).toEqual({
      kind: 'answer',
      answer: { status: 409, headers: {}, body: 'refused' },
      isReplay: true,
    });
    expect(runs).toBe(1);
  });

  it('keeps a refusal also after a statement that failed', async () => {
    const text = uniqueName('mark');
    await mark(text);
    const work = workOf(async () => {
      await transactions.manager
        .query('INSERT INTO marks VALUES ($1)', [text])
        .catch(() => refuse('conflict'));
    });
    expect(await idempotency.runInTransaction(request, work)).toMatchObject({ kind: 'error' });
    expect(await idempotency.runInTransaction(request, work)).toMatchObject({ isReplay: true });
  });

  it('leaves nothing of a handler whose refusal is not kept, nor of its key', async () => {
    const text = uniqueName('mark');
    const work = workOf(async () => {
      await mark(text);
      refuse('insufficient_credits');
    });
    await expect(idempotency.runInTransaction(request, work)).rejects.toMatchObject({ code: 'refused' });
    expect(await isMarked(text)).toBe(false);
    const succeeding = workOf(() => mark(text));
    expect(await idempotency.runInTransaction(request, succeeding)).toMatchObject({ isReplay: false });
    expect(await isMarked(text)).toBe(true);
  });

  it('runs the handler again after a serialization failure, and its effect and key are there once', async () => {
    const text = uniqueName('mark');
    let runs = 0;
    const work = workOf(async () => {
      runs += 1;
      await mark(text);
      if (runs < 3) {
        await transactions.manager.query(
          `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`,
        );
      }
    });
    expect(await idempotency.runInTransaction(request, work)).toEqual({
      kind: 'answer',
      answer: ANSWER,
      isReplay: false,
    });
    expect(runs).toBe(3);
    expect(await isMarked(text)).toBe(true);
    expect(await idempotency.runInTransaction(request, work)).toMatchObject({ isReplay: true });
    expect(runs).toBe(3);
  });

  it('shows its effect to nobody before its answer can be repeated', async () => {
    const text = uniqueName('mark');
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const running = idempotency.runInTransaction(
      request,
      workOf(async () => {
        await mark(text);
        begin();
        await ended;
      }),
    );
    await begun;
    expect(await isMarked(text)).toBe(false);
    const second = idempotency.runInTransaction(
      request,
      workOf(() => mark('never')),
    );
    await expect(second).rejects.toMatchObject({ code: 'idempotency_in_progress' });
    end();
    expect(await running).toMatchObject({ isReplay: false });
    expect(await isMarked(text)).toBe(true);
    expect(await isMarked('never')).toBe(false);
  });

  it('that leaves for a provider keeps its key after a bug, which may have come after the sending', async () => {
    let runs = 0;
    const work = workOf(() => {
      runs += 1;
      throw new TypeError('The answer could not be put into words.');
    });
    await expect(idempotency.runWithLease(request, work)).rejects.toThrow(TypeError);
    await expect(idempotency.runWithLease(request, work)).rejects.toMatchObject({
      code: 'idempotency_in_progress',
    });
    await query(
      service.database.url,
      `UPDATE idempotency_keys SET lease_expires_at = now() - interval '1 day' WHERE idempotency_key = $1`,
      [request.key],
    );
    await expect(idempotency.runWithLease(request, work)).rejects.toMatchObject({ code: 'call_interrupted' });
    expect(runs).toBe(1);
  });

  it('that leaves for a provider gives its key back after a refusal that is not kept', async () => {
    const refused = workOf(() => refuse('insufficient_credits'));
    await expect(idempotency.runWithLease(request, refused)).rejects.toMatchObject({ code: 'refused' });
    const succeeding = workOf(() => Promise.resolve());
    expect(await idempotency.runWithLease(request, succeeding)).toMatchObject({ isReplay: false });
  });
});
