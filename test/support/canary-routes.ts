import { expect } from '@jest/globals';
import { connect } from 'node:net';
import { PROMPT } from './canary-markers.js';
import type { CanaryTeam, Sent } from './canary-team.js';
import { contract, type ContractOperation } from './contract.js';
import { DOORS } from './canary-doors.js';

/** Operations that refuse every team key. */
const ADMIN = [
  'organizations_list',
  'organizations_get',
  'organizations_update',
  'organizations_suspend',
  'organizations_resume',
  'organizations_create',
  'organizations_teams',
  'model_groups_create',
  'model_groups_get',
  'model_groups_update',
  'model_groups_delete',
  'model_groups_set_models',
  'teams_create',
  'teams_list',
  'teams_update',
  'teams_delete',
  'teams_set_model_groups',
  'teams_suspend',
  'teams_resume',
  'credits_add',
  'credits_replenish',
  'credits_refund',
  'credits_set_overdraft',
  'refills_configure',
  'jobs_list_all',
  'jobs_costs',
  'jobs_call_messages',
  'usage_organization',
  'usage_dashboard',
  'verification_get',
  'metrics_get',
  'budgets_update_mode',
  'budgets_get_rates',
  'budgets_update_rates',
  'budgets_get_fair_outcome',
  'budgets_update_fair_outcome',
  'job_types_list',
  'job_types_replace',
  'job_types_delete',
] as const;

const NO_QUERY: readonly Sent[] = [{}];
const PERIOD = new Date().toISOString().slice(0, 7);
const queries = (...some: readonly Readonly<Record<string, string>>[]): readonly Sent[] =>
  some.map((query) => ({ query }));

/** What a team reads, in every variant. The paths name its last job. */
const READS: Readonly<Record<string, readonly Sent[]>> = {
  model_groups_list: queries({}, { limit: '2' }),
  model_groups_resolve: ['ok', 'fallback', 'no-such-group'].map((group) => ({ path: { group_name: group } })),
  teams_get: NO_QUERY,
  credits_balance: queries({}, { as_of: new Date().toISOString() }),
  credits_transactions: queries({}, { limit: '3' }, { type: 'deduction' }),
  credits_grants: NO_QUERY,
  credits_statement: queries({ period: PERIOD }, { period: PERIOD, format: 'csv' }),
  refills_get: NO_QUERY,
  jobs_list: queries({}, { limit: '100' }, { status: 'failed' }, { job_type: 'chat_completion' }),
  openai_models: NO_QUERY,
  openai_model: ['ok', 'fallback', 'no-such-group'].map((group) => ({ path: { model: group } })),
  openai_job_models: NO_QUERY,
  openai_job_model: NO_QUERY,
  usage_team: queries({}, { period: PERIOD }),
  health_live: NO_QUERY,
  health_ready: NO_QUERY,
  error_pages_list: NO_QUERY,
  error_pages_get: ['upstream_failed', 'upstream_timeout', 'no_such_code'].map((code) => ({
    path: { code },
  })),
};

/** Every operation that no call and no job of a team needs. @param jobs those of its calls */
export async function driveRoutes(team: CanaryTeam, jobs: Iterable<string>): Promise<void> {
  for (const [operation, variants] of Object.entries(READS)) {
    for (const sent of variants) {
      const { status, body } = await team.ask(operation, sent);
      expect([operation, status, [200, 404].includes(status) ? '' : body]).toEqual([operation, status, '']);
    }
  }
  await team.ask('credits_check', { query: { credits_needed: '1' } });
  await endJobs(team, jobs);
  for (const operation of ADMIN) {
    const { status } = await team.ask(operation, { body: exampleOf(operation) });
    expect([operation, status]).toEqual([operation, 403]);
  }
  for (const path of [
    '/docs',
    '/docs/',
    '/docs/swagger-ui-init.js',
    '/openapi.json',
    '/metrics',
    '/nothing',
  ]) {
    await team.send('get', path);
  }
}

/** Looks at jobs with their calls, ends them, and asks for the end again. */
async function endJobs(team: CanaryTeam, jobs: Iterable<string>): Promise<void> {
  for (const [index, jobId] of [...jobs].entries()) {
    const path = { job_id: jobId };
    const seen = await team.ask('jobs_get', { path, query: { expand: 'calls' } });
    const { calls } = JSON.parse(seen.body) as { calls: readonly { call_id: string }[] };
    expect(calls.length).toBeGreaterThan(0);
    team.setCall(calls[0]!.call_id);
    await team.ask('jobs_update_metadata', { path, body: { metadata: { seen: true } } });
    if (index % 3 === 0) await team.ask('jobs_cancel', { path });
    for (const status of ['completed', 'failed']) {
      const body = { status, error_message: PROMPT };
      await team.ask('jobs_complete', { path, body, headers: { 'idempotency-key': `${jobId}-${status}` } });
      await team.ask('jobs_complete', { path, body });
    }
    await team.ask('jobs_get', { path });
    await team.ask('jobs_call', { path, body: { messages: [{ role: 'user', content: PROMPT }] } });
  }
}

function exampleOf(operation: string): unknown {
  const { body, example } = contract.operations.find(({ operationId }) => operationId === operation)!;
  return body === null ? undefined : example;
}

/** Requests that are wrong in themselves, of every operation. */
export async function driveMistakes(team: CanaryTeam): Promise<void> {
  await team.createJob();
  for (const operation of contract.operations) {
    await Promise.all(mistakesOf(operation).map(async (sent) => team.ask(operation.operationId, sent)));
  }
  for (const door of DOORS) {
    for (const group of ['no-such-group', ''])
      await team.ask(door.operation, { body: door.bodyOf(group, 'words') });
    await team.ask(door.operation, {
      body: { ...door.bodyOf('ok', 'words'), temperature: PROMPT, [PROMPT]: PROMPT },
    });
  }
  await team.send('get', '/api/%zz');
  await team.send('get', '/api/jobs/%00');
}

function mistakesOf({ body, method }: ContractOperation): Sent[] {
  const mistakes: Sent[] = [
    { isStranger: true },
    { headers: { authorization: 'Bearer nonsense' } },
    { method: 'OPTIONS' },
    { method: method === 'delete' ? 'PATCH' : 'DELETE', isStranger: true },
    { method: 'TRACE' },
    { query: { [PROMPT]: PROMPT, cursor: PROMPT } },
  ];
  if (method === 'get') mistakes.push({ method: 'HEAD' });
  if (body === null) return mistakes;
  return [
    ...mistakes,
    { body: `{"${PROMPT}":` },
    { body: { [PROMPT]: PROMPT } },
    { body: PROMPT, headers: { 'content-type': 'text/plain' } },
    { body: { messages: PROMPT.repeat(6_000) } },
    { body: {}, headers: { 'idempotency-key': 'x'.repeat(300) } },
  ];
}

/** What cannot be read as HTTP, byte by byte as it is answered. */
export async function sendUnreadable(baseUrl: string): Promise<string> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(`${PROMPT}\r\n\r\n`));
    socket.on('data', (piece) => (text += piece.toString()));
    socket.on('end', () => {
      socket.end();
      resolve(text);
    });
    socket.on('error', reject);
  });
}
