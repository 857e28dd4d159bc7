import { expect } from '@jest/globals';
import { type CapturedAnswer, headerOf } from './canary-capture.js';
import { type Ask, CHAT_DOORS, type Door, DOORS, EMBEDDING_DOORS, hasContent } from './canary-doors.js';
import type { CanaryTeam, Sent } from './canary-team.js';
import { MID_STREAM_FAILURES } from './canary-upstream-streams.js';

/** Behaviours after which there is an answer. */
const SUCCESSES = ['ok', 'odd', 'no-usage', 'bad-cost', 'json-for-stream', 'refusal'];

/** Behaviours before the first byte of an answer, and the status of what is told of them. */
const FAILURES: Readonly<Record<string, number>> = {
  'error-400': 400,
  'error-401': 502,
  'error-402': 502,
  'error-403': 502,
  'error-404': 502,
  'error-408': 504,
  'error-413': 400,
  'error-422': 400,
  'error-429': 502,
  'error-500': 502,
  'error-503': 502,
  'unknown-model': 502,
  'context-window': 400,
  'provider-key': 502,
  'no-database': 502,
  budget: 502,
  detail: 502,
  redirect: 502,
  'html-200': 502,
  'html-502': 502,
  malformed: 502,
  'error-in-200': 502,
  'no-choices': 502,
  big: 502,
  half: 502,
  reset: 502,
  'no-http': 502,
  hang: 504,
};

/** The same for behaviours that only a stream has. */
const STREAM_FAILURES: Readonly<Record<string, number>> = { 'first-error': 502, 'empty-stream': 502 };

export const BREAKER_FAILURES = 60;

/** Every group that is called, with what its models do. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    [
      ...SUCCESSES,
      'schema-miss',
      ...Object.keys(FAILURES),
      ...Object.keys(STREAM_FAILURES),
      ...MID_STREAM_FAILURES,
      'rest',
      'breaker-503',
      'lost-500',
    ].map((behaviour) => [behaviour, [behaviour]]),
  ),
  fallback: ['error-500', 'reset', 'ok'],
};

interface Call extends Sent {
  readonly group: string;
  readonly ask?: Ask;
}

function callThrough(team: CanaryTeam, door: Door, { group, ask = 'words', ...sent }: Call) {
  return team.ask(door.operation, { ...sent, body: door.bodyOf(group, ask) });
}

function expectAnswered(door: Door, group: string, answer: CapturedAnswer): void {
  const isAnswered = answer.status === 200 && hasContent(door, answer.body);
  expect([door.operation, group, isAnswered ? 'answered' : answer]).toEqual([
    door.operation,
    group,
    'answered',
  ]);
}

/** The same call through several doors at once, in a job of its own. */
async function throughAll(
  team: CanaryTeam,
  doors: readonly Door[],
  call: Call,
  check: (door: Door, answer: CapturedAnswer) => void,
): Promise<void> {
  await team.createJob();
  const answers = await Promise.all(doors.map(async (door) => callThrough(team, door, call)));
  doors.forEach((door, index) => {
    check(door, answers[index]!);
  });
}

function expectStatus(group: string, status: number) {
  return (door: Door, answer: CapturedAnswer): void => {
    expect([group, door.operation, door.isStream, answer.status]).toEqual([
      group,
      door.operation,
      door.isStream,
      status,
    ]);
  };
}

export async function driveSuccesses(team: CanaryTeam): Promise<void> {
  for (const group of [...SUCCESSES, 'fallback']) {
    const doors = group === 'refusal' ? CHAT_DOORS : DOORS;
    await throughAll(team, doors, { group }, (door, answer) => {
      expectAnswered(door, group, answer);
    });
  }
  for (const ask of ['tools', 'schema', 'much'] as const) {
    await throughAll(team, DOORS, { group: 'ok', ask }, (door, answer) => {
      expectAnswered(door, 'ok', answer);
    });
  }
  await throughAll(team, CHAT_DOORS, { group: 'schema-miss', ask: 'schema' }, (door, answer) => {
    expectAnswered(door, 'schema-miss', answer);
  });
}

/** @returns the jobs of the calls, by behaviour */
export async function driveFailures(team: CanaryTeam): Promise<Map<string, string>> {
  const jobs = new Map<string, string>();
  const note = async (group: string, doors: readonly Door[], status: number): Promise<void> => {
    await throughAll(team, doors, { group }, expectStatus(group, status));
    jobs.set(group, team.jobId);
  };
  for (const [group, status] of Object.entries(FAILURES)) await note(group, DOORS, status);
  const streams = CHAT_DOORS.filter(({ isStream }) => isStream);
  for (const [group, status] of Object.entries(STREAM_FAILURES)) await note(group, streams, status);
  for (const group of MID_STREAM_FAILURES) {
    await throughAll(team, streams, { group }, (door, answer) => {
      expectAnswered(door, group, answer);
      expect(answer.body).toMatch(/upstream_stream_broken|response\.failed/);
      expect(answer.body).not.toContain('[DONE]');
    });
    jobs.set(group, team.jobId);
  }
  return jobs;
}

/** Models that rest: by the upstream's wish, and because they have failed often enough. */
export async function driveRests(team: CanaryTeam): Promise<void> {
  const [door] = DOORS;
  await throughAll(team, [door!], { group: 'rest' }, expectStatus('rest', 502));
  await throughAll(team, DOORS, { group: 'rest' }, expectStatus('rest', 503));
  const many = Array.from({ length: BREAKER_FAILURES }, () => door!);
  await throughAll(team, many, { group: 'breaker-503' }, expectStatus('breaker-503', 502));
  await throughAll(team, DOORS, { group: 'breaker-503' }, expectStatus('breaker-503', 503));
}

/** The same request twice, under one key. */
export async function driveReplays(team: CanaryTeam): Promise<void> {
  for (const group of ['ok', 'error-500', 'error-400', 'late-error']) {
    await team.createJob();
    const doors = group === 'late-error' ? CHAT_DOORS.filter(({ isStream }) => isStream) : DOORS;
    for (const [index, door] of doors.entries()) {
      const call = { group, headers: { 'idempotency-key': `${group} ${String(index)}` } };
      const first = await callThrough(team, door, call);
      const second = await callThrough(team, door, call);
      expect([door.operation, second.status, second.body]).toEqual([
        door.operation,
        first.status,
        first.body,
      ]);
      expect([door.operation, headerOf(second, 'idempotent-replayed')]).toEqual([door.operation, 'true']);
    }
  }
}

/** Calls that go other ways than the paths and the ends of the document. */
export async function driveDetours(team: CanaryTeam): Promise<void> {
  const jobId = await team.createJob();
  const [chat, embedding] = [CHAT_DOORS[6]!, EMBEDDING_DOORS[0]!];
  for (const group of ['ok', 'error-500']) {
    const headers = { 'x-job-id': jobId, 'x-user-id': 'ann' };
    await callThrough(team, chat, { group, headers });
    await team.send('post', '/chat/completions', { body: chat.bodyOf(group, 'words') });
    await team.send('post', '/embeddings', { body: embedding.bodyOf(group, 'words') });
  }
  for (const door of CHAT_DOORS.filter(({ isStream }) => isStream)) {
    const left = await callThrough(team, door, { group: 'late-silence', isLeaving: true });
    expect(left.status).toBe(200);
  }
}

/** Nobody is at the upstream's address any more. */
export async function driveAbsence(team: CanaryTeam): Promise<void> {
  await throughAll(team, DOORS, { group: 'ok' }, expectStatus('ok', 502));
}

/** The service cannot write down how its calls ended. */
export async function driveLostRecords(team: CanaryTeam): Promise<void> {
  await throughAll(team, DOORS, { group: 'lost-500' }, expectStatus('lost-500', 500));
}
