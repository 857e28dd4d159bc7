import { createHash, randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { complete, type Completion } from './sandbox.completion.js';
import {
  contentPolicyViolation,
  contextWindowExceeded,
  type ErrorAnswer,
  internalFailure,
  invalidModel,
  invalidRequest,
  providerAuthError,
  providerFailure,
  proxyAuthError,
  rateLimited,
  SandboxRefusal,
} from './sandbox.errors.js';
import { type FaultEnding, type FaultPlan, faultTextOf, NO_FAULTS, parseFaults } from './sandbox.faults.js';
import { costUsdOf } from './sandbox.prices.js';
import { readChatRequest, type SandboxRequest } from './sandbox.request.js';
import { loadTokenizer } from './sandbox.tokens.js';
import { headerText, type WireAnswer, type WireEnding } from './sandbox.wire.js';

/** One request for a completion, received and read as JSON. */
export interface ChatCall {
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly baseUrl: string;
  /** Requests with a `first` fault so far, by the model's name; counted on here. */
  readonly firstFaults: Map<string, number>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What the server does to the connection. Silence: nothing is written, and it stays open. */
export type ChatOutcome =
  | { readonly kind: 'answer'; readonly answer: WireAnswer; readonly ending: WireEnding }
  | { readonly kind: 'silence' }
  | { readonly kind: 'reset' };

const FAULT_HEADER = 'x-sandbox-fault';
const CALL_ID_HEADER = 'x-litellm-call-id';

/** What a load balancer in front of a proxy answers: no JSON, and none of the proxy's headers. */
const HTML: WireAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html>\n<html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>\n',
};

/** Decides what a request gets, after the delay that it asks for. Never throws. */
export async function answerChat(call: ChatCall): Promise<ChatOutcome> {
  let plan = NO_FAULTS;
  try {
    const request = readChatRequest(call.body);
    plan = readPlan(request.model, call.headers);
    if (plan.delayMs > 0) await sleep(plan.delayMs, undefined, { signal: call.signal });
    const ending = takeFirstFault(request.model, plan, call.firstFaults) ?? plan.ending;
    if (ending?.kind === 'hang') return { kind: 'silence' };
    if (ending?.kind === 'reset') return { kind: 'reset' };
    if (ending?.kind === 'html') return { kind: 'answer', answer: HTML, ending: 'complete' };
    const error = ending === null ? null : errorOf(ending, request.model);
    if (error !== null) return refuseChat(call, error, plan);
    return await completeChat(call, request, plan, ending);
  } catch (error) {
    if (call.signal.aborted) return { kind: 'silence' };
    return refuseChat(call, error instanceof SandboxRefusal ? error.answer : internalFailure(error), plan);
  }
}

/** An error: the proxy says nothing of a deployment then, and that the call cost 0 unless a fault differs. */
export function refuseChat(
  call: Pick<ChatCall, 'headers'>,
  error: ErrorAnswer,
  plan: FaultPlan = NO_FAULTS,
): ChatOutcome {
  const headers = { ...callHeaders(call, costHeader(plan, '0')), ...error.headers };
  const answer = { status: error.status, headers, body: JSON.stringify(error.body) };
  return { kind: 'answer', answer, ending: 'complete' };
}

async function completeChat(
  call: ChatCall,
  request: SandboxRequest,
  plan: FaultPlan,
  ending: FaultEnding | null,
): Promise<ChatOutcome> {
  const completion = complete(await loadTokenizer(), request);
  const { prompt_tokens, completion_tokens } = completion.usage;
  const cost = costHeader(plan, costUsdOf(request.model, prompt_tokens, completion_tokens));
  const body = JSON.stringify(completionBody(request.model, completion, plan));
  return {
    kind: 'answer',
    answer: {
      status: 200,
      headers: { ...callHeaders(call, cost), ...deploymentHeaders(call.baseUrl, request.model) },
      // Without its last brace the body is no JSON any more, though it looks whole.
      body: ending?.kind === 'malformed' ? body.slice(0, -1) : body,
    },
    ending: ending?.kind === 'hang-body' || ending?.kind === 'cut' ? ending.kind : 'complete',
  };
}

function readPlan(model: string, headers: IncomingHttpHeaders): FaultPlan {
  const text = faultTextOf(model, headers[FAULT_HEADER]?.toString());
  if (text === null) return NO_FAULTS;
  const reading = parseFaults(text);
  if (!reading.ok) throw new SandboxRefusal(invalidRequest(reading.message, 'model'));
  return reading.plan;
}

/** Counts a request with a `first` fault. Returns its failure while the count is within the first ones. */
function takeFirstFault(
  model: string,
  { first }: FaultPlan,
  counts: Map<string, number>,
): FaultEnding | null {
  if (first === null) return null;
  const count = (counts.get(model) ?? 0) + 1;
  counts.set(model, count);
  return count <= first.count ? { kind: 'status', status: first.status } : null;
}

/** The error that a fault ends in; null for faults that are seen in a normal answer. */
function errorOf(ending: FaultEnding, model: string): ErrorAnswer | null {
  switch (ending.kind) {
    case 'status':
      return providerFailure(ending.status, model);
    case 'rate-limit':
      return rateLimited(model, ending.retryAfterSeconds);
    case 'invalid-model':
      return invalidModel(model);
    case 'context-window':
      return contextWindowExceeded(model);
    case 'content-policy':
      return contentPolicyViolation(model);
    case 'bad-request':
      return invalidRequest('The request is not valid, because a fault was asked for.');
    case 'auth':
      return proxyAuthError('sk-sandbox-0000');
    case 'provider-auth':
      return providerAuthError(model);
    case 'hang':
    case 'hang-body':
    case 'reset':
    case 'cut':
    case 'malformed':
    case 'html':
      return null;
  }
}

function completionBody(model: string, { text, finishReason, usage }: Completion, plan: FaultPlan): object {
  const content = plan.choices === 'null-content' ? null : text;
  const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: finishReason };
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    ...(plan.choices === 'absent' ? {} : { choices: [choice] }),
    ...(plan.isUsageOmitted ? {} : { usage }),
  };
}

function costHeader({ cost }: FaultPlan, costUsd: string): string | null {
  if (cost === 'absent') return null;
  return cost === 'computed' ? costUsd : cost.text;
}

/** The headers that LiteLLM puts on every answer. They are for its client, and must not reach a team. */
function callHeaders({ headers }: Pick<ChatCall, 'headers'>, cost: string | null): Record<string, string> {
  return {
    'content-type': 'application/json',
    [CALL_ID_HEADER]: headers[CALL_ID_HEADER]?.toString() ?? randomUUID(),
    ...(cost === null ? {} : { 'x-litellm-response-cost': cost }),
  };
}

/** What it adds to a completion: the deployment that answered, as if each model had one. */
function deploymentHeaders(baseUrl: string, model: string): Record<string, string> {
  return {
    'x-litellm-model-id': createHash('sha256').update(model).digest('hex'),
    'x-litellm-model-group': headerText(model),
    'x-litellm-model-api-base': `${baseUrl}/v1`,
    'x-litellm-attempted-retries': '0',
    'x-litellm-attempted-fallbacks': '0',
  };
}
