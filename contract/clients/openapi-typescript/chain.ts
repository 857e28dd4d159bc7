// One customer's whole way through the service, with openapi-fetch and the types of openapi-typescript.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { env } from 'node:process';
import createClient, { type Client } from 'openapi-fetch';
import type { paths } from '../../dist/openapi-typescript/schema.js';

const baseUrl = env['BASE_URL'] ?? 'http://127.0.0.1:8003';
const adminKey = env['ADMIN_KEY'] ?? 'sk-admin-key-change-me';

/** Calls can also answer as a stream, if the request asks for one. */
type Json = 'application/json' | 'application/problem+json';

function clientFor(key: string): Client<paths, Json> {
  return createClient<paths, Json>({ baseUrl, headers: { authorization: `Bearer ${key}` } });
}

/** The data of an answer that must be a success. */
function succeeded<T>({ data, error }: { data?: T; error?: unknown }): T {
  assert.equal(error, undefined, `refused: ${JSON.stringify(error)}`);
  assert.ok(data !== undefined);
  return data;
}

const run = randomUUID().slice(0, 8);
const names = { organization: `oat-${run}`, group: `oat-${run}`, team: `oat-${run}-a`, poor: `oat-${run}-b` };

const operator = clientFor(adminKey);
const organization = succeeded(
  await operator.POST('/api/organizations/create', {
    body: { organization_id: names.organization, name: 'Example Ltd', metadata: { industry: 'books' } },
  }),
);
assert.equal(organization.organization_id, names.organization);

const group = succeeded(
  await operator.POST('/api/model-groups/create', {
    body: {
      group_name: names.group,
      display_name: 'Chat',
      models: [{ model_name: 'gpt-4o-mini', priority: 0 }],
    },
  }),
);
assert.equal(group.models[0]?.model_name, 'gpt-4o-mini');

const shared = { organization_id: names.organization, model_groups: [names.group] };
const team = succeeded(
  await operator.POST('/api/teams/create', {
    body: { ...shared, team_id: names.team, credits_allocated: 100 },
  }),
);
const poor = succeeded(
  await operator.POST('/api/teams/create', { body: { ...shared, team_id: names.poor } }),
);

// From here on it is the customer's code, with the key of the team.
const customer = clientFor(team.virtual_key);
const balanceOf = { params: { path: { team_id: names.team } } };
const before = succeeded(await customer.GET('/api/credits/teams/{team_id}/balance', balanceOf));
assert.equal(before.credits_remaining, 100);

const job = succeeded(
  await customer.POST('/api/jobs/create', { body: { job_type: 'summary', metadata: { pages: 3 } } }),
);
assert.equal(job.status, 'pending');
const params = { path: { job_id: job.job_id } };

const call = succeeded(
  await customer.POST('/api/jobs/{job_id}/llm-call', {
    params,
    body: { model_group: names.group, messages: [{ role: 'user', content: 'What is a contract?' }] },
  }),
);
assert.equal(call.metadata.model_group, names.group);
assert.notEqual(call.response.content, '');

const completed = succeeded(
  await customer.POST('/api/jobs/{job_id}/complete', { params, body: { status: 'completed' } }),
);
assert.equal(completed.costs.credits_charged, 1);
assert.equal(completed.costs.successful_calls, 1);

const after = succeeded(await customer.GET('/api/credits/teams/{team_id}/balance', balanceOf));
assert.deepEqual([after.credits_used, after.credits_remaining], [1, 99]);

const costs = succeeded(await operator.GET('/api/jobs/{job_id}/costs', { params }));
assert.equal(costs.costs.total_calls, 1);
assert.equal(costs.costs.breakdown[0]?.call_id, call.call_id);

// Errors are typed too: a client branches on their code, and a 402 tells how many credits are missing.
const broke = await clientFor(poor.virtual_key).POST('/api/jobs/create', { body: { job_type: 'summary' } });
assert.equal(broke.response.status, 402);
if (broke.error?.code !== 'insufficient_credits') throw new Error('not refused for its credits');
assert.deepEqual([broke.error.credits_required, broke.error.credits_available], [1, 0]);

const missing = await customer.GET('/api/jobs/{job_id}', { params: { path: { job_id: randomUUID() } } });
assert.equal(missing.response.status, 404);
if (missing.error?.code !== 'job_not_found') throw new Error('not refused as missing');
const status: number = missing.error.status;
assert.equal(status, 404);

console.log('openapi-typescript: the whole chain, balance 99, errors 402 and 404');
