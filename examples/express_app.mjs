#!/usr/bin/env node
// A small product in front of the service, with Express: customers ask a few questions in one chat.
//
//   TEAM_KEYS='{"acme": "sk-..."}' OPERATOR_KEY=... node examples/express_app.mjs
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { hasEndedIn, monthEnd, needsCosts, profitReport, teamBill } from './pricing.mjs';
import { ServiceProblem } from './service_problem.mjs';

const API_BASE = (process.env.API_BASE ?? 'http://127.0.0.1:8003/api').replace(/\/+$/, '');
/** For /profit only. */
const ADMIN_KEY = process.env.ADMIN_KEY ?? 'sk-admin-key-change-me';
const OPERATOR_KEY = process.env.OPERATOR_KEY ?? '';
const TEAM_KEYS = new Map(Object.entries(JSON.parse(process.env.TEAM_KEYS || '{}')));

const QUICK_MS = 35_000;
/** Longer than the service's own limit for a call, which may try several models. */
const CALL_MS = 200_000;
const COMPLETION_PAUSES_MS = [200, 1_000, 3_000];
const MAX_QUESTIONS = 20;

/** An error of this application's own. */
class Refusal extends Error {
  constructor(status, error, message) {
    super(message);
    Object.assign(this, { status, error });
  }
}

/** One request to the service, sent once. Resolves to the parsed answer or rejects with a ServiceProblem. */
async function send(method, path, key, body, timeoutMs = QUICK_MS) {
  try {
    const answer = await fetch(API_BASE + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await answer.text();
    if (answer.status === 200) return JSON.parse(text);
    throw ServiceProblem.fromAnswer(answer.status, answer.headers, text);
  } catch (error) {
    if (error instanceof ServiceProblem) throw error;
    if (error.name === 'TimeoutError') {
      throw new ServiceProblem(504, 'no_answer_in_time', 'The service did not answer in time.');
    }
    throw new ServiceProblem(503, 'unreachable', 'The service cannot be reached.');
  }
}

/** Ends a job. Sent again after a failure: the service answers a repetition without a second charge. */
async function complete(key, jobId, ending) {
  for (const pause of [...COMPLETION_PAUSES_MS, null]) {
    try {
      return await send('POST', `/jobs/${jobId}/complete`, key, ending);
    } catch (problem) {
      if (pause === null || !problem.mayPass) {
        // It stays open with its credit held until somebody completes or cancels it.
        console.error(`Job ${jobId} could not be ended as ${ending.status}: ${problem.message}`);
        throw problem;
      }
      await sleep(pause);
    }
  }
}

/** One piece of work as one job: charged if `work` resolves, free if it rejects. */
async function runJob(key, jobType, metadata, work) {
  const { job_id } = await send('POST', '/jobs/create', key, { job_type: jobType, metadata });
  let tokens = 0;
  const ask = async (purpose, messages) => {
    // Not sent again after a failure: the first one may have reached a model, and a second one spends again.
    const answer = await send('POST', `/jobs/${job_id}/llm-call`, key, { purpose, messages }, CALL_MS);
    tokens += answer.metadata.tokens_used;
    return answer.response.content ?? '';
  };
  let result;
  try {
    result = await work(ask);
  } catch (error) {
    const reason = error instanceof ServiceProblem ? error.message : 'The application failed.';
    // A failure of this one is logged there; the customer is told of the first failure.
    await complete(key, job_id, { status: 'failed', error_message: reason }).catch(() => {});
    throw error;
  }
  // The price by tiers needs the tokens of each job, which lists and reports do not show.
  await complete(key, job_id, { status: 'completed', metadata: { tokens_used: tokens } });
  return { job_id, ...result };
}

const app = express();
app.use(express.json({ limit: '1mb' }));

app.post('/chat', async (request, response) => {
  // A header says who asks, to keep the example short. Take the team from your own login instead.
  const key = TEAM_KEYS.get(request.get('x-team-id'));
  if (key === undefined) throw new Refusal(404, 'not_found', 'There is no such customer.');
  const questions = request.body?.questions;
  const isValid =
    Array.isArray(questions) &&
    questions.length >= 1 &&
    questions.length <= MAX_QUESTIONS &&
    questions.every((question) => typeof question === 'string' && question !== '');
  if (!isValid) throw new Refusal(400, 'bad_request', `Send 1 to ${MAX_QUESTIONS} questions.`);
  const answer = await runJob(key, 'chat_session', { questions: questions.length }, async (ask) => {
    // A model remembers nothing: each turn sends the whole conversation.
    const conversation = [{ role: 'system', content: 'You help customers. Be brief.' }];
    const answers = [];
    for (const content of questions) {
      conversation.push({ role: 'user', content });
      answers.push(await ask('chat_turn', conversation));
      conversation.push({ role: 'assistant', content: answers.at(-1) });
    }
    return { answers };
  });
  response.json(answer);
});

app.get('/profit', async (request, response) => {
  if (OPERATOR_KEY === '' || !isEqual(request.get('x-operator-key') ?? '', OPERATOR_KEY)) {
    throw new Refusal(403, 'forbidden', 'This is for the operator.');
  }
  const { period } = request.query;
  if (typeof period !== 'string' || !/^20\d\d-(0[1-9]|1[0-2])$/.test(period)) {
    throw new Refusal(400, 'bad_request', 'Send period=YYYY-MM.');
  }
  const [usages, bills] = [[], []];
  for (const team of TEAM_KEYS.keys()) {
    const usage = await send('GET', `/teams/${team}/usage?period=${period}`, ADMIN_KEY);
    const jobs = await listEndedJobs(team, period, usage.summary.total_jobs);
    const costs = new Map();
    for (const { job_id } of jobs.filter(needsCosts)) {
      costs.set(job_id, (await send('GET', `/jobs/${job_id}/costs`, ADMIN_KEY)).costs);
    }
    usages.push(usage);
    bills.push(teamBill(usage, jobs, costs));
  }
  response.json(profitReport(period, usages, bills));
});

/**
 * The jobs that the usage of a month counts, `count` of them.
 *
 * Jobs are listed by creation, and one that ended in this month may be as old as it likes. So it reads backwards
 * from the month's end until all are found. While the month still runs, the figures may be one job apart.
 */
async function listEndedJobs(team, period, count) {
  const jobs = [];
  let cursor = '';
  while (jobs.length < count) {
    const query = `created_before=${monthEnd(period)}&limit=100${cursor}`;
    const page = await send('GET', `/teams/${team}/jobs?${query}`, ADMIN_KEY);
    jobs.push(...page.data.filter((job) => hasEndedIn(job, period)));
    if (!page.has_more) break;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  return jobs;
}

/** In a time that says nothing about where two keys differ, nor about their lengths. */
function isEqual(given, wanted) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

// Express knows an error handler by its four parameters.
app.use((error, _request, response, next) => {
  if (response.headersSent) {
    next(error);
  } else if (error instanceof ServiceProblem) {
    console.warn(`The service refused: ${error.message}`);
    const { status, body, headers } = error.customerAnswer();
    response.status(status).set(headers).json(body);
  } else if (error instanceof Refusal) {
    response.status(error.status).json({ error: error.error, message: error.message });
  } else if (error.expose) {
    response.status(error.status).json({ error: 'bad_request', message: 'Send JSON of up to 1 MB.' });
  } else {
    console.error(error);
    response.status(500).json({ error: 'internal_error', message: 'Something went wrong on our side.' });
  }
});

if (TEAM_KEYS.size === 0) {
  console.error('Set TEAM_KEYS to a JSON object of team ids and keys.');
  process.exitCode = 1;
} else {
  const server = app.listen(Number(process.env.PORT ?? 5003), '127.0.0.1', (error) => {
    if (error) throw error;
    console.log(`Listening on http://127.0.0.1:${server.address().port}`);
  });
}
