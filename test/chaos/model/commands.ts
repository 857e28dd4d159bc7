import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Answer } from '../support/http-client.js';
import { range, tally } from '../support/workers.js';
import type { ModelClient } from './model-client.js';
import { type CallOutcome, type Draw, type EndStatus, isOpen, type ModelJob } from './team-model.js';

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

const MESSAGES = [{ role: 'user', content: 'How do I reset my password?' }] as const;

const replica = fc.nat(1);
const endStatus = fc.constantFrom<EndStatus>('completed', 'completed', 'failed', 'cancelled');

/** Which of the team's jobs is meant, whatever jobs there are by then; mostly one that is open. */
const jobChoice = fc.record({ isAnyJob: fc.nat(3).map((chance) => chance === 0), number: fc.nat(50) });
type JobChoice = typeof jobChoice extends fc.Arbitrary<infer Choice> ? Choice : never;

const addCredits = kind({
  name: 'add credits',
  weight: 3,
  details: fc.record({
    replica,
    credits: fc.integer({ min: 1, max: 6 }),
    reason: fc.option(fc.constantFrom('top-up', 'goodwill'), { nil: null }),
  }),
  run: async (client, { replica: at, credits, reason }) => {
    const { model } = client;
    const path = `/api/credits/teams/${model.teamId}/add`;
    const answer = await client.postAsAdmin(at, path, { credits, reason });
    expectStatus(answer, 200);
    const { grant, ...balance } = answer.body as { grant: { grant_id: string } };
    model.addGrant(grant.grant_id, credits, reason);
    expect(balance).toEqual(model.balance);
    expect(grant).toMatchObject({ credits, reason });
  },
});

const createJob = kind({
  name: 'create job',
  weight: 8,
  details: fc.record({ replica, jobType: fc.constantFrom('chat', 'report') }),
  run: async (client, { replica: at, jobType }) => {
    const { model } = client;
    const { available } = model;
    const answer = await client.post(at, '/api/jobs/create', { job_type: jobType });
    const draws = model.draw();
    if (draws === null) {
      expectNoCredits(answer, available);
      return;
    }
    expectStatus(answer, 200);
    expect(answer.body).toMatchObject({ status: 'pending', credits_held: 1, team_id: model.teamId });
    model.addJob(answer.body['job_id'] as string, jobType, draws);
  },
});

/** Which of them get a credit is chance; how many, and of which grants, is not. */
const createJobsAtOnce = kind({
  name: 'create jobs at once',
  weight: 2,
  details: fc.record({ count: fc.integer({ min: 2, max: 8 }) }),
  run: async (client, { count }) => {
    const { model } = client;
    const answers = await Promise.all(
      range(count).map((number) => client.post(number % 2, '/api/jobs/create', { job_type: 'chat' })),
    );
    const jobIds = answers.flatMap(({ status, body }) => (status === 200 ? [body['job_id'] as string] : []));
    const expected = Math.min(count, model.available);
    expect([jobIds.length, answers.filter(({ status }) => status === 402).length]).toEqual([
      expected,
      count - expected,
    ]);
    const draws = jobIds.flatMap(() => model.draw() ?? []);
    const drawn = await client.query<{ job_id: string; grant_id: string; credits: number }>(
      `SELECT job_id, grant_id, drawn.credits::int FROM credit_hold_grants drawn
         JOIN credit_holds holds USING (team_id, hold_id) WHERE job_id = ANY ($1)`,
      [jobIds],
    );
    expect(tally(drawn.map(({ grant_id }) => grant_id))).toEqual(
      tally(draws.map(({ grant }) => grant.grantId)),
    );
    for (const jobId of jobIds) {
      const own = drawn.filter(({ job_id }) => job_id === jobId);
      model.addJob(
        jobId,
        'chat',
        own.map(({ grant_id, credits }): Draw => {
          const grant = model.grants.find(({ grantId }) => grantId === grant_id);
          if (grant === undefined) throw new Error(`The model knows no grant ${grant_id}.`);
          return { grant, credits };
        }),
      );
    }
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
    const winner = isOpen(job) ? answers.find(({ answer }) => answer.status === 200)?.status : job.status;
    for (const { status, answer } of answers) if (status !== winner) expectNotOpen(answer);
    const winners = answers.filter(({ status }) => status === winner).map(({ answer }) => answer);
    if (winners.length > 0) expectEnd(client, job, winner as EndStatus, winners);
  },
});

const readBalance = kind({
  name: 'read balance',
  weight: 2,
  details: fc.record({ replica }),
  run: async (client, { replica: at }) => {
    const answer = await client.get(at, `/api/credits/teams/${client.model.teamId}/balance`);
    expectStatus(answer, 200);
    expect(answer.body).toMatchObject(client.model.balance);
  },
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
  createJob,
  createJobsAtOnce,
  call,
  endJob,
  endJobInDifferentWays,
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
  await run?.(client, command.details);
}

/** Everything that the model knows, compared once more, with what no route shows. */
export async function expectSameState(client: ModelClient): Promise<void> {
  const { model } = client;
  const { teamId } = model;
  const grants = await client.query<{ grant_id: string; remaining: number }>(
    'SELECT grant_id, remaining::int FROM credit_grants WHERE team_id = $1 ORDER BY grant_id',
    [teamId],
  );
  const jobs = await client.query<{ job_id: string; status: string }>(
    'SELECT job_id, status FROM jobs WHERE team_id = $1 ORDER BY job_id',
    [teamId],
  );
  expect(grants).toEqual(
    model.grants
      .map(({ grantId, remaining }) => ({ grant_id: grantId, remaining }))
      .sort((first, second) => (first.grant_id < second.grant_id ? -1 : 1)),
  );
  expect(jobs).toEqual(
    model.jobs
      .map(({ jobId, status }) => ({ job_id: jobId, status }))
      .sort((first, second) => (first.job_id < second.job_id ? -1 : 1)),
  );
  const balance = await client.get(0, `/api/credits/teams/${teamId}/balance`);
  expect(balance.body).toMatchObject({ ...model.balance, credits_expired: 0, credits_shortfall: 0 });
}

/** All requests for the end that came about: the first ended the job, the others got the same bytes. */
function expectEnd(
  { model }: ModelClient,
  job: ModelJob,
  status: EndStatus,
  answers: readonly Answer[],
): void {
  if (!isOpen(job) && job.status !== status) {
    for (const answer of answers) expectNotOpen(answer);
    return;
  }
  for (const answer of answers) expectStatus(answer, 200);
  const replays = answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length;
  expect(replays).toBe(isOpen(job) ? answers.length - 1 : answers.length);
  if (isOpen(job)) {
    const [first] = answers;
    expect(first?.body).toMatchObject({ job_id: job.jobId, status, costs: model.end(job, status) });
    job.endText = first?.text ?? null;
  }
  for (const answer of answers) expect(answer.text).toBe(job.endText);
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) {
    throw new Error(`Expected ${String(status)}, the answer is ${String(answer.status)}: ${answer.text}`);
  }
}

function expectNotOpen(answer: Answer): void {
  expectStatus(answer, 409);
  expect(answer.body['code']).toBe('job_not_open');
}

function expectNoCredits(answer: Answer, available: number): void {
  expectStatus(answer, 402);
  expect(answer.body).toMatchObject({
    code: 'insufficient_credits',
    credits_required: 1,
    credits_available: available,
  });
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
