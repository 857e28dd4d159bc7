import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { ChaosTeam, Deployment } from './deployment.js';
import type { ChaosPostgres } from './postgres.js';
import { range } from './workers.js';

/** How long an open transaction may take to end once nobody asks for anything. */
const SETTLED_MS = 15_000;

/** A job from its beginning to its end at one replica, without a failure. */
export async function expectWork(deployment: Deployment, replica: number, team: ChaosTeam): Promise<void> {
  const created = await deployment.send(replica, team.key, 'POST', '/api/jobs/create', {
    body: { job_type: 'probe' },
  });
  expect([created.status, created.text]).toEqual([200, created.text]);
  const path = `/api/jobs/${created.body['job_id'] as string}/complete`;
  const ended = await deployment.send(replica, team.key, 'POST', path, { body: { status: 'failed' } });
  expect([ended.status, ended.text]).toEqual([200, ended.text]);
}

/**
 * No connection was lost on the way: the database sees no more than the pools may have, none holds a
 * transaction open, and each pool still gives out all of its connections at once.
 */
export async function expectNoConnectionLeaked(
  postgres: ChaosPostgres,
  deployment: Deployment,
  team: ChaosTeam,
  poolSize: number,
): Promise<number> {
  const deadline = performance.now() + SETTLED_MS;
  let connections = await postgres.serviceConnections();
  while (connections.idleInTransaction > 0 && performance.now() < deadline) {
    await sleep(100);
    connections = await postgres.serviceConnections();
  }
  expect(connections.idleInTransaction).toBe(0);
  expect(connections.all).toBeLessThanOrEqual(deployment.size * poolSize);
  for (const replica of range(deployment.size)) {
    const path = `/api/credits/teams/${team.teamId}/balance`;
    const answers = await Promise.all(
      range(5 * poolSize).map(() => deployment.send(replica, team.key, 'GET', path)),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    await expectWork(deployment, replica, team);
  }
  return connections.all;
}
