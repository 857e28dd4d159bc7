import { createHash, randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bill, costHeader } from './sandbox.bill.js';
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
import {
  type FaultEnding,
  type FaultPlan,
  faultTextOf,
  NO_FAULTS,
  parseFaults,
  streamFaultOf,
} from './sandbox.faults.js';
import { type StreamAnswer } from './sandbox.stream-wire.js';
import { isUsageShapeName } from './sandbox.usage-shapes.js';
import { headerText, type WireAnswer, type WireEnding } from './sandbox.wire.js';

/** One request that a model answers, received and read as JSON. */
export interface SandboxCall {
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly baseUrl: string;
  /** Requests with faults that go by their number so far, by the fault's kind and the model's name. */
  readonly turns: Map<string, number>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What the server does to the connection. Silence: nothing is written, and it stays open. */
export type CallOutcome =
  | {
      readonly kind: 'answer';
      readonly answer: WireAnswer;
      readonly ending: WireEnding;
      /** What a provider bills for it; null for an error. */
      readonly bill: Bill | null;
    }
  | { readonly kind: 'stream'; readonly stream: StreamAnswer; readonly bill: Bill }
  | { readonly kind: 'silence' }
  | { readonly kind: 'reset' };

/** A request that was read, and how it is answered where no fault ends it before. */
export interface ReadCall {
  readonly model: string;
  readonly isStream: boolean;
  readonly answer: (plan: FaultPlan) => Promise<CallOutcome>;
}

const FAULT_HEADER = 'x-sandbox-fault';
const CALL_ID_HEADER = 'x-litellm-call-id';
const SHAPE_PREFIX = 'usage-';

/** What a load balancer in front of a proxy answers: no JSON, and none of the proxy's headers. */
const HTML: WireAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html>\n<html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>\n',
};

/** Decides what a request gets, after the delay that it asks for. Never throws. */
export async function answerCall(call: SandboxCall, read: () => ReadCall): Promise<CallOutcome> {
  let plan = NO_FAULTS;
  try {
    const request = read();
    plan = readPlan(request, call.headers);
    if (plan.delayMs > 0) await sleep(plan.delayMs, undefined, { signal: call.signal });
    const ending = takeTurn(request.model, plan, call.turns) ?? plan.ending;
    if (ending?.kind === 'hang') return { kind: 'silence' };
    if (ending?.kind === 'reset') return { kind: 'reset' };
    if (ending?.kind === 'html') return { kind: 'answer', answer: HTML, ending: 'complete', bill: null };
    const error = ending === null ? null : errorOf(ending, request.model);
    return error === null ? await request.answer(plan) : refuseCall(call, error, plan);
  } catch (error) {
    if (call.signal.aborted) return { kind: 'silence' };
    return refuseCall(call, error instanceof SandboxRefusal ? error.answer : internalFailure(error), plan);
  }
}

/** An error: the proxy says nothing of a deployment then, and that the call cost 0 unless a fault differs. */
export function refuseCall(
  call: Pick<SandboxCall, 'headers'>,
  error: ErrorAnswer,
  plan: FaultPlan = NO_FAULTS,
): CallOutcome {
  const headers = { ...callHeaders(call, costHeader(plan, '0')), ...error.headers };
  const answer = { status: error.status, headers, body: JSON.stringify(error.body) };
  return { kind: 'answer', answer, ending: 'complete', bill: null };
}

/** An answer with a body of JSON, the cost in a header, and the ending of the plan. */
export function jsonOutcome(
  call: SandboxCall,
  model: string,
  body: object,
  bill: Bill,
  plan: FaultPlan,
): CallOutcome {
  const text = JSON.stringify(body);
  const cost = costHeader(plan, bill.costUsd);
  return {
    kind: 'answer',
    answer: {
      status: 200,
      headers: { ...callHeaders(call, cost), ...deploymentHeaders(call.baseUrl, model) },
      // Without its last brace the body is no JSON any more, though it looks whole.
      body: plan.ending?.kind === 'malformed' ? text.slice(0, -1) : text,
    },
    ending: wireEndingOf(plan.ending),
    bill,
  };
}

/** The headers that LiteLLM puts on every answer. They are for its client, and must not reach a team. */
export function callHeaders(
  { headers }: Pick<SandboxCall, 'headers'>,
  cost: string | null,
): Record<string, string> {
  return {
    'content-type': 'application/json',
    [CALL_ID_HEADER]: headers[CALL_ID_HEADER]?.toString() ?? randomUUID(),
    ...(cost === null ? {} : { 'x-litellm-response-cost': cost }),
  };
}

/** What it adds to a completion: the deployment that answered, as if each model had one. */
export function deploymentHeaders(baseUrl: string, model: string): Record<string, string> {
  return {
    'x-litellm-model-id': createHash('sha256').update(model).digest('hex'),
    'x-litellm-model-group': headerText(model),
    'x-litellm-model-api-base': `${baseUrl}/v1`,
    'x-litellm-attempted-retries': '0',
    'x-litellm-attempted-fallbacks': '0',
  };
}

function wireEndingOf(ending: FaultEnding | null): WireEnding {
  const isPartial = ending?.kind === 'hang-body' || ending?.kind === 'cut' || ending?.kind === 'reset-mid';
  return isPartial ? ending.kind : 'complete';
}

/** @throws SandboxRefusal for faults that are unknown, exclude each other, or need a stream that is none */
function readPlan({ model, isStream }: ReadCall, headers: IncomingHttpHeaders): FaultPlan {
  const text = faultTextOf(model, headers[FAULT_HEADER]?.toString());
  const reading = text === null ? { ok: true as const, plan: NO_FAULTS } : parseFaults(text);
  if (!reading.ok) throw new SandboxRefusal(invalidRequest(reading.message, 'model'));
  const streamFault = streamFaultOf(reading.plan);
  if (streamFault !== null && !isStream) {
    throw new SandboxRefusal(invalidRequest(`The fault "${streamFault}" needs a stream.`, 'model'));
  }
  const shape = model.startsWith(SHAPE_PREFIX) ? model.slice(SHAPE_PREFIX.length) : '';
  const isShapeNamed = reading.plan.usageShape === null && isUsageShapeName(shape);
  return isShapeNamed ? { ...reading.plan, usageShape: shape } : reading.plan;
}

/** Counts a request with a fault that goes by its number. Returns the ending of its turn, null to go on. */
function takeTurn(
  model: string,
  { first, rotation }: FaultPlan,
  turns: Map<string, number>,
): FaultEnding | null {
  if (first !== null) {
    return nextTurn(`first ${model}`, turns) < first.count ? { kind: 'status', status: first.status } : null;
  }
  if (rotation === null) return null;
  const step = rotation[nextTurn(`rotate ${model}`, turns) % rotation.length];
  if (step === undefined) return null;
  return step.kind === 'status' ? step : step.kind === 'ok' ? null : { kind: step.kind };
}

/** How many turns were taken before this one. */
function nextTurn(key: string, turns: Map<string, number>): number {
  const turn = turns.get(key) ?? 0;
  turns.set(key, turn + 1);
  return turn;
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
    case 'reset-mid':
    case 'cut':
    case 'late-error':
    case 'malformed':
    case 'html':
      return null;
  }
}
