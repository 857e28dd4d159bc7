import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Answer } from '../support/http-client.js';
import { range } from '../support/workers.js';
import { adoptOrderOfExpiries, countAdjustments, expectSameBalance } from './comparison.js';
import type { ModelClient } from './model-client.js';
import {
  type BudgetMode,
  BUDGET_MODES,
  type CallOutcome,
  type EndStatus,
  FAIR_OUTCOMES,
  type FairOutcome,
  type GrantTerms,
  isOpen,
  isRefusal,
  type JobType,
  type ModelGrant,
  type ModelHold,
  type ModelJob,
  PRICES,
  type Refusal,
} from './team-model.js';

/**
 * One kind of command: what it may be told, and how it is carried out at the service and in the model. A
 * command is plain data, so that a failing sequence prints as it is and shrinks. To add one, write its
 * kind and put it into `COMMAND_KINDS`.
 */
interface CommandKind<Name extends string, Details> {
  readonly name: Name;
  /** How often it comes, beside the others. */
  readonly weight: number;
  readonly details: fc.Arbitrary<Details>;
  /** Throws where the service does not do what the model says. Does nothing where it cannot apply. */
  readonly run: (client: ModelClient, details: Details) => Promise<void>;
}

export interface Command {
  readonly name: (typeof COMMAND_KINDS)[number]['name'];
  readonly details: unknown;
}

const HOUR_MS = 3_600_000;
const MESSAGES = [{ role: 'user', content: 'How do I reset my password?' }] as const;

const replica = fc.nat(1);
const endStatus = fc.constantFrom<EndStatus>('completed', 'completed', 'failed', 'cancelled');

/** Which of the team's jobs is meant, whatever jobs there are by then; mostly one that is open. */
const jobChoice = fc.record({ isAnyJob: fc.nat(3).map((chance) => chance === 0), number: fc.nat(50) });
type JobChoice = typeof jobChoice extends fc.Arbitrary<infer Choice> ? Choice : never;

const jobType = fc.constantFrom<JobType>('chat', 'report');
const reason = fc.option(fc.constantFrom('top-up', 'goodwill'), { nil: null });

/** With an Idempotency-Key where it is sent several times at once, or with a reference that grants once. */
const addCredits = kind({
  name: 'add credits',
  weight: 6,
  details: fc
    .record({
      replica,
      // Mostly less than a report costs, so that several pay for one.
      credits: fc.integer({ min: 1, max: 5 }),
      reason,
      priority: fc.constantFrom(0, 0, -1, 1),
      hoursLeft: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
      jobTypes: fc.option(fc.constantFrom<readonly JobType[]>(['chat'], ['report'], ['report', 'chat']), {
        nil: null,
      }),
      reference: fc.option(fc.constantFrom('payment-1', 'payment-2'), { nil: null, freq: 2 }),
      times: fc.integer({ min: 1, max: 3 }),
    })
    // An end in so many hours is another one each time, and so is the request.
    .map((terms) => ({ ...terms, hoursLeft: terms.reference === null ? terms.hoursLeft : null })),
  run: async (client, { replica: at, times, ...terms }) => {
    const { model } = client;
    const body = {
      credits: terms.credits,
      reason: terms.reason,
      priority: terms.priority,
      expires_at:
        terms.hoursLeft === null ? null : new Date(Date.now() + terms.hoursLeft * HOUR_MS).toISOString(),
      job_types: terms.jobTypes,
      external_reference: terms.reference,
    };
    const earlier = model.grants.find(({ reference }) => reference !== null && reference === terms.reference);
    const answers =
      terms.reference === null
        ? [
            await sendWithKey(client, times, (number, headers) =>
              client.administer((at + number) % 2, 'POST', 'add', body, { headers }),
            ),
          ]
        : await Promise.all(
            range(times).map((number) => client.administer((at + number) % 2, 'POST', 'add', body)),
          );
    if (earlier !== undefined && !isSameGrant(earlier, terms)) {
      for (const answer of answers) expectRefusal(answer, 409, 'external_reference_conflict');
      return;
    }
    for (const answer of answers) expectStatus(answer, 200);
    const [{ grant_id: grantId }] = answers.map(
      (answer) => (answer.body as { grant: { grant_id: string } }).grant,
    ) as [{ grant_id: string }];
    if (earlier === undefined) model.addGrant(grantId, terms);
    for (const { body: answered } of answers) {
      expect(answered).toMatchObject({
        ...model.balance,
        grant: { grant_id: earlier?.grantId ?? grantId, credits: terms.credits, reason: terms.reason },
      });
    }
  },
});

/**
 * Moves the books of a team back, so that its grants run out: all of them, or draws would come after the end of
 * the grants that they are from. The ledger takes no change, so its triggers are off meanwhile.
 */
const movedBack = (teamId: string, hours: number): string => {
  const less = (column: string): string => `${column} = ${column} - interval '${String(hours)} hours'`;
  return `
    DO $$
    BEGIN
      PERFORM FROM credit_accounts WHERE team_id = '${teamId}' FOR UPDATE;
      PERFORM set_config('session_replication_role', 'replica', true);
      UPDATE credit_transfers SET ${less('created_at')} WHERE team_id = '${teamId}';
      UPDATE credit_refunds SET ${less('created_at')} WHERE team_id = '${teamId}';
      UPDATE credit_holds SET ${less('created_at')}, ${less('ended_at')} WHERE team_id = '${teamId}';
      UPDATE credit_grants SET ${less('created_at')}, ${less('starts_at')}, ${less('expires_at')} WHERE team_id = '${teamId}';
      UPDATE credit_accounts SET ${less('updated_at')} WHERE team_id = '${teamId}';
    END
    $$`;
};

/** For this team only: its books are moved back instead of everybody's clock forward. */
const letTimePass = kind({
  name: 'let time pass',
  weight: 2,
  details: fc.record({ replica, hours: fc.integer({ min: 1, max: 3 }) }),
  run: async (client, { replica: at, hours }) => {
    const { model } = client;
    await client.query(movedBack(model.teamId, hours));
    model.letTimePass(hours);
    // A balance books what has run out. A sweep may have been quicker, which must come to the same.
    await expectSameBalance(client, at);
  },
});

const changeTerms = kind({
  name: 'change terms',
  weight: 1,
  details: fc.record({
    replica,
    change: fc.oneof(
      fc.record({ budgetMode: fc.constantFrom<BudgetMode>(...BUDGET_MODES) }),
      fc.record({ fairOutcome: fc.constantFrom<FairOutcome>(...FAIR_OUTCOMES) }),
      fc.record({ overdraftLimit: fc.nat(4) }),
    ),
  }),
  run: async (client, { replica: at, change }) => {
    const { model } = client;
    if ('overdraftLimit' in change) {
      const body = { overdraft_limit: change.overdraftLimit };
      const answer = await client.administer(at, 'PATCH', 'overdraft', body);
      if (change.overdraftLimit < model.overdrawn) {
        expectRefusal(answer, 409, 'overdraft_in_use');
        return;
      }
      expectStatus(answer, 200);
    } else if ('budgetMode' in change) {
      const body = { budget_mode: change.budgetMode };
      expectStatus(await client.administer(at, 'PATCH', 'budget-mode', body), 200);
    } else {
      const body = { fair_outcome: change.fairOutcome };
      expectStatus(await client.administer(at, 'PATCH', 'fair-outcome', body), 200);
    }
    model.changeTerms(change);
  },
});

const createJob = kind({
  name: 'create job',
  weight: 8,
  details: fc.record({ replica, jobType, times: fc.integer({ min: 1, max: 3 }) }),
  run: async (client, { replica: at, jobType: type, times }) => {
    const { model } = client;
    const refusal = model.refusalOf(type);
    const answer = await sendWithKey(client, times, (number, headers) =>
      client.post((at + number) % 2, '/api/jobs/create', { job_type: type }, { headers }),
    );
    if (refusal !== null) {
      expectNoCredits(answer, refusal);
      return;
    }
    expectStatus(answer, 200);
    expect(answer.body).toMatchObject({
      status: 'pending',
      credits_held: PRICES[type],
      team_id: model.teamId,
    });
    model.addJob(answer.body['job_id'] as string, type);
  },
});

/** Which of them get their credits is chance; how many, and of which grants, is not. */
const createJobsAtOnce = kind({
  name: 'create jobs at once',
  weight: 2,
  details: fc.record({ jobType, count: fc.integer({ min: 2, max: 8 }) }),
  run: async (client, { jobType: type, count }) => {
    const { model } = client;
    const answers = await Promise.all(
      range(count).map((number) => client.post(number % 2, '/api/jobs/create', { job_type: type })),
    );
    const jobIds = answers.flatMap(({ status, body }) => (status === 200 ? [body['job_id'] as string] : []));
    expect(answers.filter(({ status }) => status !== 200 && status !== 402)).toEqual([]);
    // The service has put them into an order; one after the other, they get what the model gives them.
    const rows = await client.query<{ job_id: string; draws: Record<string, number>; overdrawn: number }>(
      `SELECT job_id, overdrawn::int,
              (SELECT COALESCE(jsonb_object_agg(grant_id, credits), '{}') FROM credit_hold_grants drawn
                WHERE drawn.hold_id = holds.hold_id AND drawn.team_id = holds.team_id) AS draws
         FROM credit_holds holds JOIN credit_transfers USING (team_id, hold_id)
        WHERE team_id = $1 AND job_id = ANY ($2) AND kind = 'hold' ORDER BY sequence`,
      [model.teamId, jobIds],
    );
    expect(rows.length).toBe(jobIds.length);
    for (const row of rows) {
      expect(model.refusalOf(type)).toBeNull();
      const hold = model.addJob(row.job_id, type);
      expect([row.draws, row.overdrawn]).toEqual([drawsOf(hold), hold.overdrawn]);
    }
    if (jobIds.length < count) expect(model.refusalOf(type)).not.toBeNull();
  },
});

const call = kind({
  name: 'call',
  weight: 6,
  details: fc.record({
    replica,
    job: jobChoice,
    outcome: fc.constantFrom<CallOutcome>('success', 'failure', 'rescue'),
  }),
  run: async (client, { replica: at, job: choice, outcome }) => {
    const { model, groups } = client;
    const job = choose(client, choice);
    if (job === null) return;
    const body = { messages: MESSAGES, model_group: groups[outcome] };
    const answer = await client.post(at, `/api/jobs/${job.jobId}/llm-call`, body);
    if (!isOpen(job)) {
      expectNotOpen(answer);
      return;
    }
    model.addCall(job, outcome);
    if (outcome === 'failure') {
      expectStatus(answer, 502);
      expect(answer.body['code']).toBe('upstream_failed');
      return;
    }
    expectStatus(answer, 200);
    expect(answer.body['metadata']).toMatchObject({ tokens_used: 10, model_group: groups[outcome] });
  },
});

const endJob = kind({
  name: 'end job',
  weight: 6,
  details: fc.record({ replica, job: jobChoice, status: endStatus, times: fc.integer({ min: 1, max: 4 }) }),
  run: async (client, { replica: at, job: choice, status, times }) => {
    const job = choose(client, choice);
    if (job === null) return;
    const answers = await Promise.all(
      range(times).map((number) =>
        client.post((at + number) % 2, `/api/jobs/${job.jobId}/complete`, { status }),
      ),
    );
    expectEnd(client, job, status, answers);
  },
});

/** One of them comes first, and the service says which. */
const endJobInDifferentWays = kind({
  name: 'end job in different ways',
  weight: 2,
  details: fc.record({ job: jobChoice, statuses: fc.array(endStatus, { minLength: 2, maxLength: 6 }) }),
  run: async (client, { job: choice, statuses }) => {
    const job = choose(client, choice);
    if (job === null) return;
    const answers = await Promise.all(
      statuses.map(async (status, number) => {
        const [action, body] = status === 'cancelled' ? ['cancel', {}] : ['complete', { status }];
        return {
          status,
          answer: await client.post(number % 2, `/api/jobs/${job.jobId}/${action}`, body),
        };
      }),
    );
    const winner = isOpen(job)
      ? answers.find(({ answer }) => answer.status === 200)?.status
      : job.status === 'expired'
        ? 'completed'
        : job.status;
    for (const { status, answer } of answers) if (status !== winner) expectNotOpen(answer);
    const winners = answers.filter(({ status }) => status === winner).map(({ answer }) => answer);
    if (winners.length > 0) expectEnd(client, job, winner as EndStatus, winners);
  },
});

/** Nobody has touched it for longer than its time to live. */
const letJobExpire = kind({
  name: 'let job expire',
  weight: 2,
  details: fc.record({ job: jobChoice }),
  run: async (client, { job: choice }) => {
    const job = choose(client, choice);
    if (job === null || !isOpen(job)) return;
    await client.query(
      `UPDATE jobs SET updated_at = updated_at - interval '2 days', expires_at = expires_at - interval '2 days'
        WHERE job_id = $1`,
      [job.jobId],
    );
    await client.sweepExpiredJobs();
    client.model.end(job, 'expired');
    const [row] = await client.query(
      `SELECT status, credits_charged::int AS charged, credits_shortfall::int AS shortfall FROM jobs WHERE job_id = $1`,
      [job.jobId],
    );
    expect(row).toEqual({ status: 'expired', charged: job.charged, shortfall: job.shortfall });
  },
});

const refund = kind({
  name: 'refund',
  weight: 2,
  details: fc.record({
    replica,
    number: fc.nat(50),
    credits: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
    reason,
    times: fc.integer({ min: 1, max: 3 }),
  }),
  run: async (client, { replica: at, number, credits, reason: why, times }) => {
    const { model } = client;
    const ended = model.jobs.filter((job) => !isOpen(job));
    const job = ended[number % ended.length];
    if (job === undefined) return;
    const body = { job_id: job.jobId, credits, reason: why };
    const answer = await sendWithKey(client, times, (count, headers) =>
      client.administer((at + count) % 2, 'POST', 'refund', body, { headers }),
    );
    const hold = model.capturedHoldOf(job);
    const refundable = model.refundableOf(job);
    if (hold === undefined) expectRefusal(answer, 404, 'charge_not_found');
    else if (refundable < (credits ?? 1)) expectRefusal(answer, 409, 'refund_exceeds_charge');
    else {
      expectStatus(answer, 200);
      expect(answer.body).toMatchObject({ job_id: job.jobId, credits_refunded: credits ?? refundable });
      model.refund(hold, credits, why);
    }
  },
});

const checkCredits = kind({
  name: 'check credits',
  weight: 1,
  details: fc.record({ replica, jobType, needed: fc.integer({ min: 1, max: 6 }) }),
  run: async (client, { replica: at, jobType: type, needed }) => {
    const { model } = client;
    const path = `/api/credits/teams/${model.teamId}/check?credits_needed=${String(needed)}&job_type=${type}`;
    const answer = await client.post(at, path);
    expectStatus(answer, 200);
    const spendable = Math.max(0, model.spendable(type));
    expect(answer.body).toMatchObject({
      has_credits: model.shortfall === 0 && spendable >= needed,
      credits_available: spendable,
      credits_remaining: model.remaining,
    });
  },
});

const readBalance = kind({
  name: 'read balance',
  weight: 2,
  details: fc.record({ replica }),
  run: (client, { replica: at }) => expectSameBalance(client, at),
});

const readTransactions = kind({
  name: 'read transactions',
  weight: 1,
  details: fc.record({ replica, limit: fc.integer({ min: 1, max: 5 }) }),
  run: async (client, { replica: at, limit }) => {
    const { model } = client;
    const path = `/api/credits/teams/${model.teamId}/transactions?limit=${String(limit)}`;
    const answer = await client.get(at, path);
    expectStatus(answer, 200);
    const newestFirst = [...model.transactions].reverse();
    expect(answer.body['has_more']).toBe(newestFirst.length > limit);
    expect(answer.body['transactions']).toEqual(
      newestFirst.slice(0, limit).map((transaction) => expect.objectContaining(transaction)),
    );
  },
});

const readJob = kind({
  name: 'read job',
  weight: 1,
  details: fc.record({ replica, job: jobChoice }),
  run: async (client, { replica: at, job: choice }) => {
    const job = choose(client, choice);
    if (job === null) return;
    const answer = await client.get(at, `/api/jobs/${job.jobId}`);
    expectStatus(answer, 200);
    expect(answer.body).toMatchObject({ job_id: job.jobId, job_type: job.jobType, status: job.status });
  },
});

const COMMAND_KINDS = [
  addCredits,
  letTimePass,
  changeTerms,
  createJob,
  createJobsAtOnce,
  call,
  endJob,
  endJobInDifferentWays,
  letJobExpire,
  refund,
  checkCredits,
  readBalance,
  readTransactions,
  readJob,
] as const;

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...COMMAND_KINDS.map(({ name, weight, details }) => ({
    weight,
    arbitrary: (details as fc.Arbitrary<unknown>).map((told): Command => ({ name, details: told })),
  })),
);

/** @throws where the service does not do what the model says */
export async function runCommand(client: ModelClient, command: Command): Promise<void> {
  const found = COMMAND_KINDS.find(({ name }) => name === command.name);
  // The details come from the arbitrary of the same kind.
  const run = found?.run as ((client: ModelClient, details: unknown) => Promise<void>) | undefined;
  const adjustments = countAdjustments(client);
  await run?.(client, command.details);
  await adoptOrderOfExpiries(client, adjustments);
}

/**
 * All requests for the end that came about: the first ended the job, the others got the same bytes. For a job
 * that has ended otherwise, they are all refused.
 */
function expectEnd(
  { model }: ModelClient,
  job: ModelJob,
  status: EndStatus,
  answers: readonly Answer[],
): void {
  const isTakenUp = job.status === 'expired' && status === 'completed';
  if (!isOpen(job) && !isTakenUp && job.status !== status) {
    for (const answer of answers) expectNotOpen(answer);
    return;
  }
  const isFirst = isOpen(job) || isTakenUp;
  const outcome = isFirst ? (isTakenUp ? model.completeExpired(job) : model.end(job, status)) : {};
  if (isRefusal(outcome)) {
    for (const answer of answers) expectNoCredits(answer, outcome);
    return;
  }
  for (const answer of answers) expectStatus(answer, 200);
  const replays = answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length;
  expect(replays).toBe(isFirst ? answers.length - 1 : answers.length);
  if (isFirst) {
    const [first] = answers;
    expect(first?.body).toMatchObject({ job_id: job.jobId, status, costs: outcome });
    job.endText = first?.text ?? null;
  }
  for (const answer of answers) expect(answer.text).toBe(job.endText);
}

/**
 * Sends a request once, or several times at once with one Idempotency-Key and then until somebody says what
 * came of it. All answers that stay are one.
 */
async function sendWithKey(
  client: ModelClient,
  times: number,
  send: (number: number, headers: Readonly<Record<string, string>>) => Promise<Answer>,
): Promise<Answer> {
  if (times === 1) return send(0, {});
  const headers = { 'idempotency-key': client.newIdempotencyKey() };
  const answers = await Promise.all(range(times).map((number) => send(number, headers)));
  answers.push(await send(times, headers));
  const settled = answers.filter(({ body }) => body['code'] !== 'idempotency_in_progress');
  const [answer] = settled;
  if (answer === undefined) throw new Error('Everybody was told that another request still runs.');
  const fields = ({ status, text, body }: Answer): unknown[] =>
    // A refusal is not kept, so each of them is of its own.
    status === 200 ? [status, text] : [status, body['code'], body['credits_available']];
  for (const other of settled) expect(fields(other)).toEqual(fields(answer));
  return answer;
}

function isSameGrant(grant: ModelGrant, terms: GrantTerms): boolean {
  return (
    grant.credits === terms.credits &&
    grant.reason === terms.reason &&
    grant.priority === terms.priority &&
    JSON.stringify(grant.jobTypes) === JSON.stringify(terms.jobTypes)
  );
}

function drawsOf(hold: ModelHold): Record<string, number> {
  return Object.fromEntries(
    [...hold.draws].map(([{ grantId }, credits]: [ModelGrant, number]) => [grantId, credits]),
  );
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) {
    throw new Error(`Expected ${String(status)}, the answer is ${String(answer.status)}: ${answer.text}`);
  }
}

function expectRefusal(answer: Answer, status: number, code: string): void {
  expectStatus(answer, status);
  expect(answer.body['code']).toBe(code);
}

function expectNotOpen(answer: Answer): void {
  expectRefusal(answer, 409, 'job_not_open');
}

function expectNoCredits(answer: Answer, refusal: Refusal): void {
  expectStatus(answer, 402);
  expect(answer.body).toMatchObject({ code: 'insufficient_credits', ...refusal });
}

function choose({ model }: ModelClient, { isAnyJob, number }: JobChoice): ModelJob | null {
  const open = model.openJobs;
  const jobs = isAnyJob || open.length === 0 ? model.jobs : open;
  return jobs[number % jobs.length] ?? null;
}

/** Keeps the name of a kind as a literal, so that `Command` lists all names. */
function kind<const Name extends string, Details>(
  definition: CommandKind<Name, Details>,
): CommandKind<Name, Details> {
  return definition;
}
