import { BudgetsRepository } from '../../src/budgets/budgets.repository.js';
import { BudgetsService } from '../../src/budgets/budgets.service.js';
import type { BudgetTerms, EndingTerms, JobTypeTerms } from '../../src/budgets/budgets.types.js';
import { newId } from '../../src/common/identifiers.js';
import { CreditsService } from '../../src/credits/credits.service.js';
import { newGrant, type NewGrant } from '../../src/credits/credits.types.js';
import { Transactions } from '../../src/database/transactions.js';
import type { EndedAttempt } from '../../src/gateway/gateway.types.js';
import { makeUsage } from '../../src/gateway/usage.fixture.js';
import { type AdmittedCall, CallAdmissionService } from '../../src/jobs/call-admission.service.js';
import { CallRecordingService } from '../../src/jobs/call-recording.service.js';
import { type CompletedJob, JobCompletionService } from '../../src/jobs/job-completion.service.js';
import { JobsService } from '../../src/jobs/jobs.service.js';
import type { CompletionStatus } from '../../src/jobs/jobs.types.js';
import { LlmCallsService } from '../../src/llm-calls/llm-calls.service.js';
import type { CallEnd } from '../../src/llm-calls/llm-calls.types.js';
import { makeTeam, type TeamOptions } from './factories.js';
import type { TestService } from './service.js';
import type { TestClock } from './test-clock.js';

/** What an attempt came to, with numbers that a test can work with. */
export interface Use {
  /** Of which 10 are of the prompt. */
  readonly tokens?: number;
  /** Null for unknown. */
  readonly costUsd?: string | null;
  readonly isSuccessful?: boolean;
}

const LATENCY_MS = 250;

/**
 * Writes books as the service does, by its own services, with calls that use exactly what a test says. Time
 * moves on by a second with every step.
 */
export class BookWriter {
  private readonly credits: CreditsService;
  private readonly budgets: BudgetsService;
  private readonly budgetsRepository: BudgetsRepository;
  private readonly jobs: JobsService;
  private readonly recording: CallRecordingService;
  private readonly completion: JobCompletionService;
  private readonly admission: CallAdmissionService;
  private readonly llmCalls: LlmCallsService;
  private readonly transactions: Transactions;
  /** Attempts of a call that have ended before its last one. */
  private readonly earlier = new Map<string, EndedAttempt[]>();
  private readonly nextAttempts = new Map<string, string>();

  constructor(
    readonly service: TestService,
    readonly clock: TestClock,
  ) {
    const { app } = service;
    this.credits = app.get(CreditsService, { strict: false });
    this.budgets = app.get(BudgetsService, { strict: false });
    this.budgetsRepository = app.get(BudgetsRepository, { strict: false });
    this.jobs = app.get(JobsService, { strict: false });
    this.recording = app.get(CallRecordingService, { strict: false });
    this.completion = app.get(JobCompletionService, { strict: false });
    this.admission = app.get(CallAdmissionService, { strict: false });
    this.llmCalls = app.get(LlmCallsService, { strict: false });
    this.transactions = app.get(Transactions, { strict: false });
  }

  async team(options: TeamOptions, budget: Partial<BudgetTerms & EndingTerms> = {}): Promise<string> {
    const { teamId } = await makeTeam(this.service, options);
    await this.budgets.update(teamId, budget);
    return teamId;
  }

  async setBudget(teamId: string, budget: Partial<BudgetTerms & EndingTerms>): Promise<void> {
    await this.budgets.update(teamId, budget);
  }

  async jobType(teamId: string, jobType: string, terms: Partial<JobTypeTerms>): Promise<void> {
    await this.budgetsRepository.saveJobType(this.transactions.manager, {
      creditsPerJob: null,
      holdCredits: null,
      fairOutcome: null,
      freeEndings: null,
      freeEndingsWindowDays: null,
      timeToLiveMs: null,
      mayRetryAmbiguous: null,
      ...terms,
      teamId,
      jobType,
      updatedAt: this.clock.now(),
    });
  }

  async grant(teamId: string, grant: Partial<NewGrant> & { credits: number }): Promise<string> {
    this.step();
    const granted = await this.credits.addCredits(
      teamId,
      newGrant({ kind: 'promotion', reason: null, ...grant }),
    );
    return granted.grant.grantId;
  }

  async setOverdraft(teamId: string, limit: number): Promise<void> {
    await this.credits.setOverdraftLimit(teamId, limit);
  }

  async job(teamId: string, jobType: string): Promise<string> {
    this.step();
    const job = await this.jobs.create({ role: 'admin' }, { teamId, jobType, userId: null, metadata: {} });
    return job.jobId;
  }

  async call(jobId: string): Promise<AdmittedCall> {
    this.step();
    const input = { kind: 'chat', isStream: false, purpose: null, metadata: {} } as const;
    // The admin names no group, and the team's default is not his.
    const { teamId } = await this.jobs.get({ jobId, teamId: null });
    const rows = await this.transactions.manager.query<{ group_name: string }[]>(
      `SELECT group_name FROM team_model_groups JOIN model_groups USING (model_group_id) WHERE team_id = $1`,
      [teamId],
    );
    return this.admission.admit(
      { role: 'admin' },
      { kind: 'job', jobId },
      { ...input, modelGroup: rows[0]!.group_name },
    );
  }

  /** The running attempt of a call fails, and another one leaves. */
  async retry(call: AdmittedCall, use: Use): Promise<void> {
    this.step();
    const earlier = this.earlier.get(call.callId) ?? [];
    const ended = this.attempt(call, { ...use, isSuccessful: false });
    const next = { attemptId: newId(), number: ended.number + 1, modelName: 'another-model' };
    await this.llmCalls.createRecorder(call).attemptFollows(ended, next);
    this.earlier.set(call.callId, [...earlier, ended]);
    this.nextAttempts.set(call.callId, next.attemptId);
  }

  async endCall(call: AdmittedCall, use: Use): Promise<string> {
    this.step();
    const attempts = [...(this.earlier.get(call.callId) ?? []), this.attempt(call, use)];
    const ending = { attempts, schemaOutcome: null, latencyMs: LATENCY_MS };
    const end: CallEnd =
      use.isSuccessful === false
        ? { ...ending, status: 'failed', failure: 'upstream_failed' }
        : { ...ending, status: 'succeeded', failure: null };
    await this.recording.record(call, end, { request: {}, answer: null });
    return call.callId;
  }

  /** A call whose process has died. */
  async interrupt(call: AdmittedCall): Promise<void> {
    this.step();
    await this.recording.interrupt(call);
  }

  /** A call from its beginning to its end. @returns its id */
  async use(jobId: string, use: Use): Promise<string> {
    return this.endCall(await this.call(jobId), use);
  }

  async end(jobId: string, status: CompletionStatus = 'completed'): Promise<CompletedJob> {
    this.step();
    const end = { status, errorMessage: null, metadata: {} };
    return this.completion.complete({ jobId, teamId: null }, end);
  }

  async expire(teamId: string, jobId: string): Promise<CompletedJob | null> {
    this.step();
    return this.completion.expire({ teamId, jobId }, this.clock.now());
  }

  async refund(teamId: string, jobId: string, credits: number | null): Promise<void> {
    this.step();
    await this.credits.refund({ teamId, jobId }, credits, 'A test');
  }

  async bookExpiries(teamId: string): Promise<void> {
    this.step();
    await this.credits.bookExpiries(teamId);
  }

  private attempt(call: AdmittedCall, use: Use): EndedAttempt {
    const { tokens = 0, costUsd = '0', isSuccessful = true } = use;
    return {
      attemptId: this.nextAttempts.get(call.callId) ?? call.firstAttemptId,
      number: (this.earlier.get(call.callId)?.length ?? 0) + 1,
      modelName: 'a-model',
      status: isSuccessful ? 'succeeded' : 'failed',
      failure: isSuccessful ? null : 'upstream_error',
      upstreamStatus: isSuccessful ? 200 : 500,
      upstreamError: null,
      usage: tokens === 0 ? null : makeUsage({ inputTokens: 10, outputTokens: tokens - 10 }),
      cost: { costUsd, source: costUsd === null ? 'unpriced' : 'upstream_header', text: costUsd },
      firstByteMs: null,
      latencyMs: LATENCY_MS,
    };
  }

  private step(): void {
    this.clock.advance({ ms: 1000 });
  }
}

/** Names of what {@link writeBooks} has made, by what it is. */
export type BookNames = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;

/**
 * Books that have everything: grants with an order, an end, a beginning and job types; holds over several
 * grants; captures of less and of more than was held; late charges; what was short, is short and was forgiven;
 * overdrafts, covered and not; refunds, whole and part; credits that ran out; a job that ran out and was
 * completed after all; each rule of charging; calls that are retried, interrupted, failed and running.
 */
export async function writeBooks(writer: BookWriter): Promise<BookNames> {
  return {
    ...(await writeGrants(writer)),
    ...(await writePrices(writer)),
    ...(await writeUsage(writer)),
    ...(await writeShortfalls(writer)),
    ...(await writeOverdrafts(writer)),
  };
}

/**
 * Granted 25: 10 for anything, 4 until the 10th day, 6 for analyses, 5 from the 5th day. Left are 10 and 3;
 * 11 were charged, 1 has expired.
 */
async function writeGrants(writer: BookWriter): Promise<BookNames> {
  const start = writer.clock.now().getTime();
  const team = await writer.team({ credits: 10 });
  const limited = await writer.grant(team, {
    credits: 4,
    priority: -1,
    expiresAt: new Date(start + 10 * DAY_MS),
  });
  const analyses = await writer.grant(team, { credits: 6, priority: -2, jobTypes: ['analysis'] });
  const later = await writer.grant(team, {
    credits: 5,
    priority: -3,
    startsAt: new Date(start + 5 * DAY_MS),
  });
  await writer.jobType(team, 'analysis', { creditsPerJob: 9, timeToLiveMs: 90 * DAY_MS });
  await writer.jobType(team, 'other', { creditsPerJob: 2, timeToLiveMs: 90 * DAY_MS });

  const several = await writer.job(team, 'analysis'); // 6 of the analyses, 3 of the limited
  await writer.end(several);
  const returned = await writer.job(team, 'other'); // 1 of the limited, 1 of the others
  writer.clock.advance({ days: 11 });
  await writer.end(returned, 'failed'); // the limited one is not there to be used any more
  const started = await writer.job(team, 'other'); // 2 of the later
  await writer.end(started);
  return { grantTeam: team, limited, analyses, later, several, returned, started };
}

/** Granted 20; charged by the job: 1, 1 refunded, 1 after its expiry, 1 as seen by the server, 1 beyond the allowance. */
async function writePrices(writer: BookWriter): Promise<BookNames> {
  const team = await writer.team({ credits: 20 });
  const completed = await writer.job(team, 'demo');
  const completedCall = await writer.use(completed, { tokens: 120, costUsd: '0.0015' });
  await writer.end(completed);
  const failed = await writer.job(team, 'demo');
  await writer.end(failed, 'failed');
  const allFailed = await writer.job(team, 'demo');
  await writer.use(allFailed, { isSuccessful: false, costUsd: null });
  await writer.end(allFailed);
  const refunded = await writer.job(team, 'demo');
  await writer.end(refunded);
  await writer.refund(team, refunded, null);

  const expired = await writer.job(team, 'demo');
  writer.clock.advance({ days: 2 });
  await writer.expire(team, expired);
  await writer.end(expired);

  await writer.setBudget(team, { fairOutcome: 'server_observed' });
  const cancelled = await writer.job(team, 'demo');
  await writer.use(cancelled, { tokens: 50, costUsd: '0.0005' });
  await writer.end(cancelled, 'cancelled');
  await writer.setBudget(team, { fairOutcome: 'allowance', freeEndings: 1 });
  const free = await writer.job(team, 'demo');
  await writer.use(free, { tokens: 50, costUsd: '0.0005' });
  await writer.interrupt(await writer.call(free));
  await writer.end(free, 'failed');
  const paid = await writer.job(team, 'demo');
  const retried = await writer.call(paid);
  await writer.retry(retried, { costUsd: null });
  await writer.endCall(retried, { tokens: 60, costUsd: '0.0006' });
  await writer.end(paid, 'failed');

  const open = await writer.job(team, 'demo');
  const running = await writer.call(open);
  await writer.retry(running, { costUsd: '0.0001' });
  return {
    ...{ priceTeam: team, completed, completedCall, failed, allFailed, refunded, expired, cancelled, free },
    ...{ paid, open, running: running.callId },
  };
}

/** 10 credits a dollar, 3 held a job; granted 30. */
async function writeUsage(writer: BookWriter): Promise<BookNames> {
  const team = await writer.team({ credits: 30 }, { budgetMode: 'consumption_usd', creditsPerDollar: '10' });
  await writer.jobType(team, 'report', { holdCredits: 3 });
  const partial = await writer.job(team, 'report');
  const partialCall = await writer.use(partial, { tokens: 100, costUsd: '0.11' });
  await writer.end(partial); // 1.1, so 2; 1 goes back

  const over = await writer.job(team, 'report');
  const overCall = await writer.use(over, { tokens: 100, costUsd: '0.45' });
  await writer.end(over); // 4.5, so 5; 2 more than held
  await writer.refund(team, over, 1);

  const late = await writer.job(team, 'report');
  const lateCall = await writer.call(late);
  await writer.use(late, { tokens: 100, costUsd: '0.25' });
  await writer.end(late); // 2.5, so 3
  await writer.endCall(lateCall, { tokens: 100, costUsd: '0.2' }); // 4.5, so 2 more
  return { usageTeam: team, partial, partialCall, over, overCall, late, lateCall: lateCall.callId };
}

/** 1,000 tokens a credit, 2 held a job; granted 4 and then 5. */
async function writeShortfalls(writer: BookWriter): Promise<BookNames> {
  const team = await writer.team({ credits: 4 }, { budgetMode: 'consumption_tokens', tokensPerCredit: 1000 });
  await writer.jobType(team, 'report', { holdCredits: 2 });
  const collected = await writer.job(team, 'report');
  await writer.use(collected, { tokens: 5500 });
  await writer.end(collected); // 6; 4 are there, 2 are short
  await writer.grant(team, { credits: 5 }); // 2 are collected, 3 are left

  const forgiven = await writer.job(team, 'report'); // 1 is left
  const late = await writer.call(forgiven);
  await writer.use(forgiven, { tokens: 4200 });
  await writer.end(forgiven); // 5; 3 are there, 2 are short
  await writer.refund(team, forgiven, null); // 3 are back, nothing is short
  await writer.endCall(late, { tokens: 900 }); // 6 in all, so 1 more; 2 are left

  const owing = await writer.job(team, 'report');
  await writer.use(owing, { tokens: 3500 });
  await writer.end(owing); // 4; 2 are there, 2 are short
  return { shortTeam: team, collected, forgiven, owing };
}

/** 5 credits a job; granted 3 and then 4, with an overdraft of 10. */
async function writeOverdrafts(writer: BookWriter): Promise<BookNames> {
  const team = await writer.team({ credits: 3 });
  await writer.setOverdraft(team, 10);
  await writer.jobType(team, 'big', { creditsPerJob: 5 });
  const covered = await writer.job(team, 'big'); // 3 of the grant, 2 overdrawn
  await writer.end(covered);
  const cover = await writer.grant(team, { credits: 4 }); // covers the 2
  const overdrawn = await writer.job(team, 'big'); // 2 of the grant, 3 overdrawn
  return { overdraftTeam: team, covered, cover, overdrawn };
}
