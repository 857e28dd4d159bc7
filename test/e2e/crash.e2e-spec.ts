import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  makeWorkplace,
  runProgram,
  type ServerProcess,
  startServer,
  type Workplace,
} from '../support/server-process.js';

const ADMIN_KEY = 'sk-admin-key-change-me';
const ROUNDS = 3;
const CLIENTS = 8;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

describe('kill -9', () => {
  let workplace: Workplace;
  let server: ServerProcess;

  beforeEach(async () => {
    workplace = await makeWorkplace();
    server = await startServer({ workplace });
  });
  afterEach(async () => {
    await server.end('SIGTERM');
    await workplace.remove();
  });

  async function send(method: string, path: string, key: string, body?: object): Promise<Answer> {
    const answer = await fetch(server.baseUrl + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: JSON.parse(text) as Record<string, unknown>, text };
  }

  async function makeTeam(): Promise<string> {
    await send('POST', '/api/organizations/create', ADMIN_KEY, { organization_id: 'org', name: 'Org' });
    await send('POST', '/api/model-groups/create', ADMIN_KEY, {
      group_name: 'group',
      models: [{ model_name: 'fault-status-500' }, { model_name: 'fault-delay-20', priority: 1 }],
    });
    const team = await send('POST', '/api/teams/create', ADMIN_KEY, {
      organization_id: 'org',
      team_id: 'team',
      model_groups: ['group'],
      credits_allocated: 100_000,
    });
    return team.body['virtual_key'] as string;
  }

  it('during calls and completions loses no acknowledged answer and no call, and the ledger adds up', async () => {
    const key = await makeTeam();
    const acknowledgedCalls: { jobId: string; callId: string }[] = [];
    const acknowledgedEnds = new Map<string, string>();

    /** Jobs of two calls, one after the other, until the server is gone. */
    async function work(): Promise<void> {
      for (;;) {
        const job = await send('POST', '/api/jobs/create', key, { job_type: 'crash' });
        const jobId = job.body['job_id'] as string;
        for (let call = 0; call < 2; call += 1) {
          const answer = await send('POST', `/api/jobs/${jobId}/llm-call`, key, {
            messages: [{ role: 'user', content: 'x' }],
          });
          if (answer.status === 200) {
            acknowledgedCalls.push({ jobId, callId: answer.body['call_id'] as string });
          }
        }
        const end = await send('POST', `/api/jobs/${jobId}/complete`, key, { status: 'completed' });
        if (end.status === 200) acknowledgedEnds.set(jobId, end.text);
      }
    }

    for (let round = 0; round < ROUNDS; round += 1) {
      const target = acknowledgedEnds.size + 20;
      const workers = Array.from({ length: CLIENTS }, () => work().catch(() => undefined));
      while (acknowledgedEnds.size < target) await new Promise((wake) => setTimeout(wake, 5));
      await server.end('SIGKILL');
      await Promise.all(workers);
      server = await startServer({ workplace });
      expect(await runProgram('commands/verify-ledger.js', { workplace })).toMatchObject({ code: 0 });
    }

    expect(acknowledgedEnds.size).toBeGreaterThanOrEqual(ROUNDS * 20);
    for (const [jobId, text] of acknowledgedEnds) {
      const replay = await send('POST', `/api/jobs/${jobId}/complete`, key, { status: 'completed' });
      expect(replay.text).toBe(text);
    }
    for (const { jobId, callId } of acknowledgedCalls) {
      const costs = await send('GET', `/api/jobs/${jobId}/costs`, ADMIN_KEY);
      const { breakdown } = costs.body['costs'] as {
        breakdown: { call_id: string; status: string; attempts: unknown[] }[];
      };
      const call = breakdown.find((candidate) => candidate.call_id === callId);
      expect(call).toMatchObject({ status: 'succeeded' });
      expect(call?.attempts).toHaveLength(2);
    }
    const balance = await send('GET', '/api/credits/teams/team/balance', key);
    expect(balance.body['credits_used']).toBeGreaterThanOrEqual(acknowledgedEnds.size);
    expect(await runProgram('commands/verify-ledger.js', { workplace })).toMatchObject({ code: 0 });
  }, 180_000);
});
