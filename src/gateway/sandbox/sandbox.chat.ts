import { randomUUID } from 'node:crypto';
import { type Bill, billOf } from './sandbox.bill.js';
import {
  callHeaders,
  type CallOutcome,
  deploymentHeaders,
  jsonOutcome,
  type ReadCall,
  type SandboxCall,
} from './sandbox.calls.js';
import { type Choice, complete, type Completion } from './sandbox.completion.js';
import { failureInStream, invalidRequest, SandboxRefusal } from './sandbox.errors.js';
import { type FaultPlan } from './sandbox.faults.js';
import { readChatRequest, type SandboxRequest } from './sandbox.request.js';
import { payloadsOf } from './sandbox.stream.js';
import { loadTokenizer } from './sandbox.tokens.js';
import { type ToolCall } from './sandbox.tool-calls.js';

const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/**
 * Reads a request for a chat completion.
 *
 * @throws SandboxRefusal where it is none
 */
export function readChat(call: SandboxCall): ReadCall {
  const request = readChatRequest(call.body);
  const { model, isStream } = request;
  return { model, isStream, answer: (plan) => completeChat(call, request, plan) };
}

async function completeChat(
  call: SandboxCall,
  request: SandboxRequest,
  plan: FaultPlan,
): Promise<CallOutcome> {
  if (plan.schema !== 'kept' && request.responseFormat.kind === 'text') {
    throw new SandboxRefusal(invalidRequest('The faults of a schema need a response_format.', 'model'));
  }
  const completion = complete(await loadTokenizer(), request, plan);
  const bill = billOf(request.model, completion.usage, plan.usageShape);
  if (request.isStream) return streamOutcome(call, request, completion, bill, plan);
  return jsonOutcome(call, request.model, completionBody(request.model, completion, bill, plan), bill, plan);
}

/** A stream tells its cost at its end, so that no header does. */
function streamOutcome(
  call: SandboxCall,
  { model, isUsageIncluded }: SandboxRequest,
  completion: Completion,
  bill: Bill,
  plan: FaultPlan,
): CallOutcome {
  const payloads = payloadsOf({
    id: newId(),
    createdSeconds: nowSeconds(),
    model,
    completion,
    bill,
    isUsageIncluded,
    plan,
    lateError: failureInStream(),
  });
  const headers = {
    ...callHeaders(call, null),
    ...deploymentHeaders(call.baseUrl, model),
    ...STREAM_HEADERS,
  };
  return { kind: 'stream', stream: { headers, payloads, plan }, bill };
}

function completionBody(model: string, { choices }: Completion, bill: Bill, plan: FaultPlan): object {
  return {
    id: newId(),
    object: 'chat.completion',
    created: nowSeconds(),
    model,
    ...(plan.choices === 'absent'
      ? {}
      : { choices: choices.map((choice, index) => choiceBody(choice, index, plan)) }),
    ...(plan.isUsageOmitted ? {} : { usage: bill.usage }),
  };
}

function choiceBody(choice: Choice, index: number, plan: FaultPlan): object {
  const { text, toolCalls, reasoning, finishReason, logprobs } = choice;
  const isEmpty = plan.choices === 'null-content';
  const message = {
    role: 'assistant',
    content: isEmpty ? null : text,
    ...(reasoning === null ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 || isEmpty ? {} : { tool_calls: toolCalls.map(callBody) }),
  };
  return {
    index,
    message,
    ...(logprobs === null ? {} : { logprobs: { content: logprobs } }),
    finish_reason: finishReason,
  };
}

function callBody({ id, name, arguments: text }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: text } };
}

function newId(): string {
  return `chatcmpl-${randomUUID().replaceAll('-', '')}`;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
