import { v7 } from 'uuid';
import { DemoRandom } from './demo.random.js';

/**
 * All amounts of the plan are whole multiples of 0.00000005 USD, which every price below is one of, so that
 * sums are exact.
 */
const UNITS_PER_USD = 20_000_000;

/** Models with their price of a token, in units. */
const PRICES = {
  'gpt-4o': { prompt: 50, completion: 200 },
  'gpt-4o-mini': { prompt: 3, completion: 12 },
  'gpt-3.5-turbo': { prompt: 10, completion: 30 },
} as const;
type Model = keyof typeof PRICES;

/** The groups of the demo: the second model answers when the first one fails. */
export const DEMO_GROUPS = {
  DemoFast: ['gpt-4o-mini', 'gpt-3.5-turbo'],
  DemoAdvanced: ['gpt-4o', 'gpt-4o-mini'],
} as const satisfies Record<string, readonly [Model, Model]>;
type Group = keyof typeof DEMO_GROUPS;

/** What the month comes to, by job type. */
const DEMO_MONTH = {
  document_analysis: { jobs: 120, failed: 3, costUsd: 12.2 },
  chat_session: { jobs: 100, failed: 1, costUsd: 5.25 },
  data_extraction: { jobs: 30, failed: 1, costUsd: 1.3 },
} as const;
type JobType = keyof typeof DEMO_MONTH;

/** 1 October 2024, 07:00 UTC. */
const MONTH_BEGINS = Date.UTC(2024, 9, 1, 7);
const DAY_MS = 86_400_000;
const DAYS = 31;
const WORKING_DAY_MS = 11 * 3_600_000;

const USERS = ['john@acme.com', 'mary@acme.com', 'wei@acme.com', 'fatima@acme.com', 'lena@acme.com'] as const;
const TOPICS = ['customer_support', 'onboarding', 'billing', 'returns'] as const;

export interface DemoAttempt {
  readonly attemptId: string;
  readonly model: Model;
  readonly isSuccessful: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly costUnits: number;
  readonly latencyMs: number;
  /** Milliseconds since 1970, as all times of the plan. */
  readonly startedAt: number;
}

export interface DemoCall {
  readonly callId: string;
  readonly group: Group;
  readonly purpose: string;
  readonly startedAt: number;
  /** One or two; the last one decided. */
  readonly attempts: readonly DemoAttempt[];
}

export interface DemoJob {
  readonly jobId: string;
  readonly holdId: string;
  readonly jobType: JobType;
  readonly userId: string;
  readonly isCompleted: boolean;
  readonly metadata: Readonly<Record<string, string | number>>;
  readonly createdAt: number;
  readonly endedAt: number;
  readonly calls: readonly DemoCall[];
}

/** A call before it has a price: its share of what its type costs. */
interface Draft {
  readonly group: Group;
  readonly model: Model;
  readonly purpose: string;
  readonly weight: number;
  readonly pauseMs: number;
  readonly isSuccessful: boolean;
  promptTokens: number;
  completionTokens: number;
}

interface JobDraft {
  readonly jobType: JobType;
  readonly isCompleted: boolean;
  readonly createdAt: number;
  readonly calls: readonly Draft[];
}

/** A UUIDv7 of a time, as the service would have made it then. */
export function idAt(time: number, random: DemoRandom): string {
  return v7({ msecs: time, random: random.bytes(16) });
}

/** Decimal text of an amount in units. */
export function toUsd(units: number): string {
  const whole = Math.floor(units / UNITS_PER_USD);
  // A unit is 5 in the eighth decimal.
  return `${String(whole)}.${String((units % UNITS_PER_USD) * 5).padStart(8, '0')}`;
}

/** The jobs of the month in the order of their creation; the same in every run. */
export function planMonth(random = new DemoRandom(20241001)): DemoJob[] {
  const types = Object.keys(DEMO_MONTH) as JobType[];
  const drafts = types.flatMap((jobType) => draftJobs(jobType, random));
  return drafts
    .toSorted((first, second) => first.createdAt - second.createdAt)
    .map((draft) => settle(draft, random));
}

function draftJobs(jobType: JobType, random: DemoRandom): JobDraft[] {
  const { jobs, failed, costUsd } = DEMO_MONTH[jobType];
  // Spread over the month; the remainders keep the failed ones apart.
  const isFailed = (index: number): boolean => index % Math.floor(jobs / failed) === 7;
  const drafts = Array.from({ length: jobs }, (_, index) => ({
    jobType,
    isCompleted: !isFailed(index),
    createdAt:
      MONTH_BEGINS +
      Math.floor((index / jobs) * DAYS) * DAY_MS +
      Math.floor(random.between(0, WORKING_DAY_MS)),
    calls: draftCalls(jobType, isFailed(index), random),
  }));
  price(
    drafts.flatMap((draft) => draft.calls).filter((call) => call.isSuccessful),
    Math.round(costUsd * UNITS_PER_USD),
    random,
  );
  return drafts;
}

function draftCalls(jobType: JobType, isFailed: boolean, random: DemoRandom): Draft[] {
  const purposes = purposesOf(jobType, random);
  return purposes.map((purpose, index) => {
    const group: Group = random.next() < 0.7 ? 'DemoAdvanced' : 'DemoFast';
    const [first, second] = DEMO_GROUPS[group];
    const model = random.next() < 0.12 ? second : first;
    const size = { 'gpt-4o': 1, 'gpt-3.5-turbo': 0.12, 'gpt-4o-mini': 0.05 }[model];
    return {
      group,
      model,
      purpose,
      weight: size * random.between(0.5, 1.5),
      pauseMs: random.integer(40, jobType === 'chat_session' ? 90_000 : 900),
      // What went wrong with a job is its last call.
      isSuccessful: !(isFailed && index === purposes.length - 1),
      promptTokens: 0,
      completionTokens: 0,
    };
  });
}

function purposesOf(jobType: JobType, random: DemoRandom): string[] {
  switch (jobType) {
    case 'document_analysis': {
      const pages = random.integer(2, 7);
      return [
        ...Array.from({ length: pages }, (_, page) => `page_${String(page + 1)}_analysis`),
        'final_summary',
      ];
    }
    case 'chat_session':
      return Array.from({ length: random.integer(2, 6) }, () => 'chat_turn');
    case 'data_extraction':
      return ['extraction', 'validation', ...(random.next() < 0.4 ? ['correction'] : [])];
  }
}

/**
 * Gives each call as many tokens as its share of the whole buys, and puts what is left over into two of
 * them, so that the whole is exact.
 */
function price(calls: readonly Draft[], targetUnits: number, random: DemoRandom): void {
  const totalWeight = calls.reduce((total, call) => total + call.weight, 0);
  for (const call of calls) {
    const { prompt, completion } = PRICES[call.model];
    const budget = Math.floor((targetUnits * call.weight) / totalWeight);
    call.completionTokens = Math.floor((budget * random.between(0.3, 0.5)) / completion);
    call.promptTokens = Math.floor((budget - call.completionTokens * completion) / prompt);
  }
  const left = targetUnits - calls.reduce((total, call) => total + costOf(call), 0);
  // A prompt token costs 10 units with one model and 3 with the other: that makes every amount from 18 on.
  const tens = left % PRICES['gpt-4o-mini'].prompt;
  addPromptTokens(calls, 'gpt-3.5-turbo', tens);
  addPromptTokens(calls, 'gpt-4o-mini', (left - tens * PRICES['gpt-3.5-turbo'].prompt) / 3);
}

function addPromptTokens(calls: readonly Draft[], model: Model, tokens: number): void {
  const call = calls.find((candidate) => candidate.model === model);
  if (call === undefined || tokens < 0 || !Number.isInteger(tokens)) {
    throw new Error('The plan of the demo month does not add up.');
  }
  call.promptTokens += tokens;
}

function costOf(call: { model: Model; promptTokens: number; completionTokens: number }): number {
  const { prompt, completion } = PRICES[call.model];
  return call.promptTokens * prompt + call.completionTokens * completion;
}

/** Puts times and ids to a job. */
function settle(draft: JobDraft, random: DemoRandom): DemoJob {
  let time = draft.createdAt;
  const calls = draft.calls.map((call) => {
    time += call.pauseMs;
    const settled = settleCall(call, time, random);
    time = settled.attempts.reduce((end, attempt) => end + attempt.latencyMs, time);
    return settled;
  });
  return {
    jobId: idAt(draft.createdAt, random),
    holdId: idAt(draft.createdAt, random),
    jobType: draft.jobType,
    userId: random.pick(USERS),
    isCompleted: draft.isCompleted,
    metadata: metadataOf(draft, random),
    createdAt: draft.createdAt,
    endedAt: time + random.integer(30, 800),
    calls,
  };
}

function settleCall(call: Draft, startedAt: number, random: DemoRandom): DemoCall {
  const [first] = DEMO_GROUPS[call.group];
  // The second model of a group is asked when the first one has failed.
  const models = call.model === first && call.isSuccessful ? [first] : DEMO_GROUPS[call.group];
  let time = startedAt;
  const attempts = models.map((model, index) => {
    const isLast = index === models.length - 1;
    const isSuccessful = isLast && call.isSuccessful;
    const latencyMs = isSuccessful
      ? Math.round(350 + call.completionTokens * 1.4 + random.between(0, 400))
      : random.integer(90, 2_500);
    const attempt: DemoAttempt = {
      attemptId: idAt(time, random),
      model,
      isSuccessful,
      promptTokens: isSuccessful ? call.promptTokens : 0,
      completionTokens: isSuccessful ? call.completionTokens : 0,
      costUnits: isSuccessful ? costOf(call) : 0,
      latencyMs,
      startedAt: time,
    };
    time += latencyMs;
    return attempt;
  });
  return { callId: idAt(startedAt, random), group: call.group, purpose: call.purpose, startedAt, attempts };
}

function metadataOf(draft: JobDraft, random: DemoRandom): Record<string, string | number> {
  const number = random.integer(10_000, 99_999);
  switch (draft.jobType) {
    case 'document_analysis':
      return { document_id: `doc_${String(number)}`, pages: draft.calls.length - 1 };
    case 'chat_session':
      return { session_id: `chat_${String(number)}`, topic: random.pick(TOPICS) };
    case 'data_extraction':
      return { source: `export_${String(number)}.csv` };
  }
}
