#!/usr/bin/env node
// One customer's whole way through the service, with Node's own fetch and no dependencies.
//
//   BASE_URL=http://127.0.0.1:8003 ADMIN_KEY=sk-admin-key-change-me node full_chain.mjs
import { randomUUID } from 'node:crypto';

const BASE_URL = (process.env.BASE_URL ?? 'http://127.0.0.1:8003').replace(/\/+$/, '');
const ADMIN_KEY = process.env.ADMIN_KEY ?? 'sk-admin-key-change-me';
/** A call may try several models. */
const TIMEOUT_MS = 150_000;

/** Sends one request. Resolves to the status and the answer's bytes, for errors too. */
async function send(method, path, key, body) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(BASE_URL + path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error) => {
    throw new Error(`${BASE_URL} does not answer: ${error.cause?.message ?? error.message}`);
  });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** Sends one request that must succeed. Resolves to the answer as parsed JSON. */
async function call(method, path, key, body) {
  const { status, bytes } = await send(method, path, key, body);
  check(status === 200, `${method} ${path} answered ${status}: ${bytes}`);
  return JSON.parse(bytes);
}

function check(holds, sentence) {
  if (!holds) throw new Error(`FAILED: ${sentence}`);
}

async function main() {
  const run = randomUUID().slice(0, 8);
  const [organization, group, team] = [`example-${run}`, `summaries-${run}`, `example-${run}-editors`];

  // The operator sets the customer up, once, with the admin key.
  const customer = { organization_id: organization, name: 'Example Ltd' };
  await call('POST', '/api/organizations/create', ADMIN_KEY, customer);
  await call('POST', '/api/model-groups/create', ADMIN_KEY, {
    group_name: group,
    display_name: 'Summaries',
    models: ['gpt-4o-mini', 'gpt-3.5-turbo'].map((model_name, priority) => ({ model_name, priority })),
  });
  const created = await call('POST', '/api/teams/create', ADMIN_KEY, {
    organization_id: organization,
    team_id: team,
    model_groups: [group],
    credits_allocated: 100,
  });
  console.log(`Team ${team} of ${organization}, model group ${group}: ${created.credits_remaining} credits`);

  // From here on it is the customer's code, with the team's key. It is shown once only: keep it.
  const key = created.virtual_key;
  const balancePath = `/api/credits/teams/${team}/balance`;
  check((await call('GET', balancePath, key)).credits_remaining === 100, 'a new team has its 100 credits');

  // One job is one piece of work: as many calls as it takes, and one credit when it is completed.
  const work = { job_type: 'summary', metadata: { document: 'report.txt' } };
  const job = await call('POST', '/api/jobs/create', key, work);
  const jobPath = `/api/jobs/${job.job_id}`;
  console.log(`Job ${job.job_id} is ${job.status}`);
  const questions = {
    outline: 'List the three parts of a good report.',
    draft: 'Write one sentence about each part.',
    polish: 'Shorten the text to twenty words.',
  };
  for (const [purpose, content] of Object.entries(questions)) {
    const messages = [{ role: 'user', content }];
    const answer = await call('POST', `${jobPath}/llm-call`, key, { model_group: group, purpose, messages });
    const { tokens_used, latency_ms } = answer.metadata;
    const start = JSON.stringify(answer.response.content.slice(0, 48));
    console.log(`  ${purpose}: ${tokens_used} tokens, ${latency_ms} ms, ${start}`);
  }

  const first = await send('POST', `${jobPath}/complete`, key, { status: 'completed' });
  check(first.status === 200, `the completion answered ${first.status}: ${first.bytes}`);
  const { costs } = JSON.parse(first.bytes);
  console.log(`Completed: ${costs.total_calls} calls, ${costs.credits_charged} credit charged`);
  check(costs.total_calls === 3 && costs.successful_calls === 3, 'the job has three successful calls');
  check(costs.credit_applied && costs.credits_charged === 1, 'a completed job costs one credit');

  // A completion whose answer got lost may simply be sent again.
  const second = await send('POST', `${jobPath}/complete`, key, { status: 'completed' });
  check(second.bytes.equals(first.bytes), 'a repeated completion gives the same bytes');
  console.log('Completed again: the same bytes');

  const failed = await call('POST', '/api/jobs/create', key, { job_type: 'summary' });
  const failedPath = `/api/jobs/${failed.job_id}`;
  const messages = [{ role: 'user', content: 'Summarize an empty page.' }];
  await call('POST', `${failedPath}/llm-call`, key, { model_group: group, messages });
  const failure = { status: 'failed', error_message: 'The page was empty.' };
  const ended = await call('POST', `${failedPath}/complete`, key, failure);
  console.log(`Job ${failed.job_id} is ${ended.status}: ${ended.costs.credits_charged} credits charged`);
  check(ended.costs.credits_charged === 0, 'a failed job costs nothing');

  // What the calls cost in dollars is for the operator, not for the team.
  const refused = await send('GET', `${jobPath}/costs`, key);
  check(refused.status === 403, `the team's key must not see costs, but the answer was ${refused.status}`);
  const seen = (await call('GET', `${jobPath}/costs`, ADMIN_KEY)).costs;
  check(seen.total_calls === 3 && seen.breakdown.length === 3, 'the costs list all three calls');
  console.log(`The operator sees $${seen.total_cost_usd.toFixed(6)}; the team gets 403`);

  const { credits_allocated, credits_used, credits_remaining } = await call('GET', balancePath, key);
  const credits = [credits_allocated, credits_used, credits_remaining].join(', ');
  check(credits === '100, 1, 99', `of 100 credits 1 is used and 99 remain, not ${credits}`);
  console.log('OK: 1 credit charged for 1 completed job');
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
