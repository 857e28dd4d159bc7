import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { LEDGER_CHECKS } from '../../src/verification/ledger-checks.js';
import { VerificationService } from '../../src/verification/verification.service.js';
import { createTestDatabase, query, type TestDatabase } from '../support/database.js';
import { completeJob, makeJob, makeTeam, type TestTeam } from '../support/factories.js';
import { startTestService, type TestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';

const NOW = '2026-03-01T12:00:00.000Z';
const NOW_IN_SECONDS = 1_772_366_400;
/** As `VerificationService` takes it. */
const TURN_LOCK = '119195941692786';

let database: TestDatabase;
let service: TestService;
let team: TestTeam;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  service = await startTestService({ database, clock: new TestClock(new Date(NOW)) });
  team = await makeTeam(service, { credits: 10 });
  await completeJob(service, team, await makeJob(service, team));
});
afterEach(async () => {
  await repair();
  await service.stop();
});

const verify = (of = service) => of.call('get', '/api/credits/verification');
const damage = () =>
  query(database.url, `UPDATE jobs SET total_tokens = 7 WHERE team_id = $1`, [team.teamId]);
const repair = () =>
  query(database.url, `UPDATE jobs SET total_tokens = 0 WHERE team_id = $1`, [team.teamId]);

async function metric(name: string): Promise<number | undefined> {
  const { text } = await service.call('get', '/metrics').expect(200);
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** Waits for what happens beside the test. */
async function until(hasHappened: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await hasHappened()); tries += 1) {
    if (tries === 500) throw new Error('It has not happened.');
    await sleep(20);
  }
}

/** As another replica would that is verifying. */
async function whileAnotherVerifies(work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(${TURN_LOCK})`);
  await work();
  await client.end();
}

describe('GET /api/credits/verification', () => {
  it('says that the books are right, and which checks say so', async () => {
    const answer = await verify().expect(200);
    expect(answer.body).toEqual({
      is_consistent: true,
      checked_at: NOW,
      duration_ms: expect.any(Number),
      checks: LEDGER_CHECKS.map(({ name }) => ({ name, differences: 0 })),
      differences: [],
    });
  });

  it('lists what is wrong', async () => {
    await damage();
    const { body } = await verify().expect(200);
    expect(body).toMatchObject({ is_consistent: false });
    const checks = body.checks as { name: string; differences: number }[];
    expect(checks.filter(({ differences }) => differences > 0)).toEqual([
      { name: 'job totals', differences: 1 },
      { name: 'frozen answers', differences: 1 },
    ]);
    expect(body.differences[0]).toEqual({
      check: 'job totals',
      finding: expect.stringContaining('sums of its calls'),
      team_id: team.teamId,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      expected: '0/0/0/0/0/0/0/0.000000000000/0',
      found: '0/0/0/0/0/0/7/0.000000000000/0',
    });
  });

  it('gives requests that come together one result', async () => {
    const answers = await Promise.all([verify(), verify(), verify()]);
    // One duration to the millisecond, three times, only if it is the same run.
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    const running = service.app.get(VerificationService, { strict: false });
    const [first, second] = await Promise.all([running.verify(), running.verify()]);
    expect(second).toBe(first);
    expect(await running.verify()).not.toBe(first);
  });

  it('works on two replicas at once', async () => {
    const other = await startTestService({ database });
    try {
      const answers = await Promise.all([verify(), verify(other), verify(), verify(other)]);
      expect(answers.map((answer) => [answer.status, answer.body.is_consistent as boolean])).toEqual(
        answers.map(() => [200, true]),
      );
    } finally {
      await other.stop();
    }
  });

  it('works while another replica verifies', () =>
    whileAnotherVerifies(async () => {
      expect((await verify().expect(200)).body).toMatchObject({ is_consistent: true });
    }));

  it('is 503 when a check takes too long, and works again afterwards', async () => {
    const impatient = await startTestService({ database, environment: { LEDGER_CHECK_TIMEOUT_MS: '300' } });
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('BEGIN; LOCK TABLE credit_transfers IN ACCESS EXCLUSIVE MODE');
      expect((await verify(impatient).expect(503)).body).toMatchObject({ code: 'verification_timed_out' });
      await client.query('ROLLBACK');
      await verify(impatient).expect(200);
      const { text } = await impatient.call('get', '/metrics').expect(200);
      expect(text).toContain('\nledger_verification_failures_total 1\n');
    } finally {
      await client.end();
      await impatient.stop();
    }
  });

  it('does not keep the service from ending', async () => {
    const ending = await startTestService({ database });
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE credit_transfers IN ACCESS EXCLUSIVE MODE');
    const waiting = ending.app.get(VerificationService, { strict: false }).verify();
    const isRefused = expect(waiting).rejects.toMatchObject({ code: 'database_unavailable' });
    await until(async () => {
      const rows = await query(
        database.url,
        `SELECT FROM pg_locks WHERE NOT granted AND relation = 'credit_transfers'::regclass`,
      );
      return rows.length > 0;
    });
    await ending.stop();
    await isRefused;
    await client.end();
  });
});

describe('the metrics of the ledger', () => {
  it('rise with damage and fall with its repair', async () => {
    expect(await metric('ledger_verified_timestamp_seconds')).toBe(0);
    await verify().expect(200);
    expect(await metric('ledger_verified_timestamp_seconds')).toBe(NOW_IN_SECONDS);
    expect(await metric('ledger_differences{check="job totals"}')).toBe(0);

    await damage();
    await verify().expect(200);
    expect(await metric('ledger_differences{check="job totals"}')).toBe(1);
    expect(await metric('ledger_differences{check="account balances"}')).toBe(0);

    await repair();
    await verify().expect(200);
    expect(await metric('ledger_differences{check="job totals"}')).toBe(0);
    expect(await metric('ledger_verification_failures_total')).toBe(0);
  });

  it('name neither a team nor a model, and have those of the process beside them', async () => {
    await damage();
    await verify().expect(200);
    const { text, headers } = await service.call('get', '/metrics').expect(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).not.toContain(team.teamId);
    expect(text).toMatch(/^process_cpu_seconds_total /m);
    expect(text).toMatch(/^nodejs_heap_size_used_bytes /m);
  });

  it('are of one service, although another runs in the same process', async () => {
    const other = await startTestService({ database });
    try {
      await verify(other).expect(200);
      expect(await metric('ledger_verified_timestamp_seconds')).toBe(0);
    } finally {
      await other.stop();
    }
  });
});

describe('the periodic verification', () => {
  it('verifies when the service starts, and writes every difference to the log', async () => {
    await damage();
    const lines: unknown[][] = [];
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation((...line: unknown[]) => {
      lines.push(line);
    });
    const periodic = await startTestService({
      database,
      environment: { LEDGER_CHECK_INTERVAL_MS: '3600000' },
    });
    try {
      await until(() => lines.length === 2);
    } finally {
      await periodic.stop();
      log.mockRestore();
    }
    expect(lines).toEqual([
      [
        expect.objectContaining({ check: 'job totals', teamId: team.teamId }),
        expect.stringMatching(/^The ledger is wrong: the totals of the job/),
      ],
      [expect.objectContaining({ check: 'frozen answers', teamId: team.teamId }), expect.anything()],
    ]);
  });

  it('leaves it to another replica that is at it, and takes its turn afterwards', async () => {
    const verification = service.app.get(VerificationService, { strict: false });
    await whileAnotherVerifies(async () => {
      expect(await verification.verifyInTurn()).toBeNull();
      expect(await metric('ledger_verified_timestamp_seconds')).toBe(0);
    });
    expect(await verification.verifyInTurn()).toMatchObject({ differences: [] });
    expect(await metric('ledger_verified_timestamp_seconds')).toBe(NOW_IN_SECONDS);
  });
});
