import { expect } from '@jest/globals';
import type { Response } from 'supertest';
import { query } from './database.js';
import { MESSAGES, type TestTeam } from './factories.js';
import { type TestService, uniqueName } from './service.js';

/** A POST with an `Idempotency-Key`. */
export interface KeyedPost {
  readonly path: string;
  readonly idempotencyKey: string;
  readonly body?: unknown;
  /** The admin's when left out. */
  readonly key?: string;
  readonly isFaultExpected?: boolean;
}

export async function post(service: TestService, sent: KeyedPost): Promise<Response> {
  const { path, idempotencyKey, key, body, isFaultExpected } = sent;
  return service
    .call('post', path, {
      body,
      ...(key !== undefined && { key }),
      ...(isFaultExpected !== undefined && { isFaultExpected }),
    })
    .set('Idempotency-Key', idempotencyKey);
}

export function jobCreation(team: TestTeam, idempotencyKey = uniqueName('key')): KeyedPost {
  return { path: '/api/jobs/create', key: team.key, idempotencyKey, body: { job_type: 'demo' } };
}

export function callIn(team: TestTeam, jobId: string): KeyedPost {
  return {
    path: `/api/jobs/${jobId}/llm-call`,
    key: team.key,
    idempotencyKey: uniqueName('key'),
    body: { messages: MESSAGES },
  };
}

export function isReplay(answer: Response): boolean {
  return answer.headers['idempotent-replayed'] === 'true';
}

/** The same answer, marked as a repetition. */
export function expectReplay(answer: Response, first: Response): void {
  expect(answer.text).toBe(first.text);
  expect(answer.status).toBe(first.status);
  expect(answer.headers['content-type']).toBe(first.headers['content-type']);
  expect(answer.headers['x-should-retry']).toBe(first.headers['x-should-retry']);
  expect(answer.headers['idempotent-replayed']).toBe('true');
  expect(answer.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
}

async function count(service: TestService, sql: string, values: unknown[]): Promise<number> {
  const rows = await query<{ count: number }>(
    service.database.url,
    `SELECT count(*)::int AS count ${sql}`,
    values,
  );
  return rows[0]!.count;
}

export function countJobs(service: TestService, team: TestTeam): Promise<number> {
  return count(service, 'FROM jobs WHERE team_id = $1', [team.teamId]);
}

export function countCalls(service: TestService, jobId: string): Promise<number> {
  return count(service, 'FROM llm_calls WHERE job_id = $1', [jobId]);
}

/** Rows of a key, in whatever state. */
export function countKeys(service: TestService, idempotencyKey: string): Promise<number> {
  return count(service, 'FROM idempotency_keys WHERE idempotency_key = $1', [idempotencyKey]);
}

/** Statements that wait for a lock of somebody else, in the database of the service. */
export function countWaiting(service: TestService): Promise<number> {
  return count(
    service,
    `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    [],
  );
}

export async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((wake) => setTimeout(wake, 10));
}
