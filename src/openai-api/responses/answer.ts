import { toUnixSeconds } from '../../common/time.js';
import type { BegunCall, CallUsage, MadeChat } from '../../jobs/job-calls.types.js';
import { functionCallItemId, messageItemId, responseId } from '../ids.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import type {
  ContentPart,
  FunctionCallItem,
  MessageItem,
  OutputItem,
  ResponsesResponse,
} from '../dto/responses.response.js';

/** How an answer ended, in the words of the responses API. */
export type ResponseEnd =
  | { readonly status: 'completed' }
  | { readonly status: 'incomplete'; readonly reason: 'max_output_tokens' | 'content_filter' };

/** @param finishReason of the one choice, in the words of the chat API */
export function endOf(finishReason: string | null): ResponseEnd {
  if (finishReason === 'length') return { status: 'incomplete', reason: 'max_output_tokens' };
  if (finishReason === 'content_filter') return { status: 'incomplete', reason: 'content_filter' };
  return { status: 'completed' };
}

export function textPart(text: string): ContentPart {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

export function refusalPart(refusal: string): ContentPart {
  return { type: 'refusal', refusal };
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export function messageItem(
  callId: string,
  content: readonly ContentPart[],
  status: ItemStatus,
): MessageItem {
  return { id: messageItemId(callId), type: 'message', status, role: 'assistant', content: [...content] };
}

export function functionCallItem(
  callId: string,
  index: number,
  call: { readonly id: string; readonly name: string; readonly arguments: string },
  status: ItemStatus,
): FunctionCallItem {
  return {
    id: functionCallItemId(callId, index),
    type: 'function_call',
    status,
    call_id: call.id,
    name: call.name,
    arguments: call.arguments,
  };
}

/** A response without output, which is how one begins: what was asked, and nothing stored. */
export function beginResponse(request: ResponsesRequest, call: BegunCall): ResponsesResponse {
  return {
    id: responseId(call.callId),
    object: 'response',
    created_at: toUnixSeconds(call.startedAt),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model: call.modelGroup,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: effortOf(request), summary: null },
    store: false,
    temperature: request.temperature ?? null,
    text: request.text ?? { format: { type: 'text' } },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_p: request.top_p ?? null,
    truncation: 'disabled',
    usage: null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
}

function effortOf({ reasoning }: ResponsesRequest): string | null {
  const { effort } = (reasoning ?? {}) as { effort?: string | null };
  return effort ?? null;
}

/** The same response when all of it is there. */
export function endResponse(
  begun: ResponsesResponse,
  end: ResponseEnd,
  output: readonly OutputItem[],
  usage: CallUsage,
): ResponsesResponse {
  return {
    ...begun,
    status: end.status,
    incomplete_details: end.status === 'incomplete' ? { reason: end.reason } : null,
    output: [...output],
    usage: {
      input_tokens: usage.promptTokens,
      input_tokens_details: { cached_tokens: usage.cachedTokens },
      output_tokens: usage.completionTokens,
      output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
      total_tokens: usage.totalTokens,
    },
  };
}

/** The answer to a request that asked for no stream. */
export function toResponse(request: ResponsesRequest, call: MadeChat): ResponsesResponse {
  const choice = call.answer.choices[0];
  const end = endOf(choice?.finish_reason ?? null);
  const parts = [
    ...(choice?.message.content ? [textPart(choice.message.content)] : []),
    ...(choice?.message.refusal ? [refusalPart(choice.message.refusal)] : []),
  ];
  const calls = (choice?.message.tool_calls ?? []).map((toolCall, index) =>
    functionCallItem(call.callId, index, { id: toolCall.id, ...toolCall.function }, end.status),
  );
  const output = [...(parts.length > 0 ? [messageItem(call.callId, parts, end.status)] : []), ...calls];
  return endResponse(beginResponse(request, call), end, output, call.usage);
}
