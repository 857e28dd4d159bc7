import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ChatChoice } from '../../gateway/gateway.types.js';
import type { CallUsage, MadeChat } from '../../jobs/job-calls.types.js';
import { chatCompletionId, toSeconds } from '../ids.js';

export class ChatToolFunction {
  @ApiProperty({ type: String, example: 'get_invoice' })
  name!: string;

  @ApiProperty({ type: String, description: 'JSON, as the model wrote it', example: '{"number":4711}' })
  arguments!: string;
}

export class ChatToolCall {
  @ApiProperty({ type: String, example: 'a1B2c3D4e' })
  id!: string;

  @ApiProperty({ type: String, enum: ['function'] })
  type!: 'function';

  @ApiProperty({ type: ChatToolFunction })
  function!: ChatToolFunction;
}

export class ChatCompletionMessage {
  @ApiProperty({ type: String, enum: ['assistant'] })
  role!: 'assistant';

  @ApiProperty({ type: String, nullable: true, example: 'Open the login page and choose "Forgot password".' })
  content!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  refusal!: string | null;

  @ApiPropertyOptional({ type: String, description: 'Of models that show it' })
  reasoning_content?: string;

  @ApiPropertyOptional({ type: [ChatToolCall] })
  tool_calls?: ChatToolCall[];
}

export class ChatCompletionChoice {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  @ApiProperty({ type: ChatCompletionMessage })
  message!: ChatCompletionMessage;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, example: null })
  logprobs!: object | null;

  @ApiProperty({ type: String, nullable: true, example: 'stop' })
  finish_reason!: string | null;
}

export class PromptTokensDetails {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  cached_tokens!: number;
}

export class CompletionTokensDetails {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  reasoning_tokens!: number;
}

export class ChatCompletionUsage {
  @ApiProperty({ type: 'integer', minimum: 0, example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', minimum: 0, example: 33 })
  completion_tokens!: number;

  @ApiProperty({ type: 'integer', minimum: 0, example: 57 })
  total_tokens!: number;

  @ApiProperty({ type: PromptTokensDetails })
  prompt_tokens_details!: PromptTokensDetails;

  @ApiProperty({ type: CompletionTokensDetails })
  completion_tokens_details!: CompletionTokensDetails;
}

export class ChatCompletionsResponse {
  @ApiProperty({ type: String, example: 'chatcmpl-019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  id!: string;

  @ApiProperty({ type: String, enum: ['chat.completion'] })
  object!: 'chat.completion';

  @ApiProperty({ type: 'integer', description: 'Seconds since 1970', example: 1_764_000_000 })
  created!: number;

  @ApiProperty({ type: String, description: "The model group's name", example: 'ChatFast' })
  model!: string;

  @ApiProperty({ type: [ChatCompletionChoice] })
  choices!: ChatCompletionChoice[];

  @ApiProperty({ type: ChatCompletionUsage })
  usage!: ChatCompletionUsage;
}

export function toChatCompletionsResponse(call: MadeChat): ChatCompletionsResponse {
  return {
    id: chatCompletionId(call.callId),
    object: 'chat.completion',
    created: toSeconds(call.startedAt),
    model: call.modelGroup,
    choices: call.answer.choices.map(toChoice),
    usage: toUsage(call.usage),
  };
}

/** Members that OpenAI always has are there as null; the others only if the answer has them. */
function toChoice({ index, message, logprobs, finish_reason }: ChatChoice): ChatCompletionChoice {
  const { role, content, refusal, reasoning_content: reasoning, tool_calls: toolCalls } = message;
  return {
    index,
    message: {
      role,
      content,
      refusal: refusal ?? null,
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
      ...(toolCalls !== undefined && { tool_calls: [...toolCalls] }),
    },
    logprobs: logprobs ?? null,
    finish_reason,
  };
}

function toUsage(usage: CallUsage): ChatCompletionUsage {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}
