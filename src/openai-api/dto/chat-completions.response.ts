import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChatUsageResponse } from '../../chat/chat-usage.response.js';
import { ToolCallResponse } from '../../chat/tool-call.response.js';
import { toUnixSeconds } from '../../common/time.js';
import type { ChatChoice, ToolCall } from '../../gateway/gateway.types.js';
import { chatCompletionId, toOpenAiUsage } from '../../jobs/chat-frames.js';
import type { MadeChat } from '../../jobs/job-calls.types.js';

export class ChatCompletionMessage {
  @ApiProperty({ type: String, enum: ['assistant'] })
  role!: 'assistant';

  @ApiProperty({ type: String, nullable: true, example: 'Open the login page and choose "Forgot password".' })
  content!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  refusal!: string | null;

  @ApiPropertyOptional({ type: String, description: 'Of models that show it' })
  reasoning_content?: string;

  @ApiPropertyOptional({ type: [ToolCallResponse] })
  tool_calls?: readonly ToolCall[];
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

  @ApiProperty({ type: ChatUsageResponse })
  usage!: ChatUsageResponse;
}

export function toChatCompletionsResponse(call: MadeChat): ChatCompletionsResponse {
  return {
    id: chatCompletionId(call.callId),
    object: 'chat.completion',
    created: toUnixSeconds(call.startedAt),
    model: call.modelGroup,
    choices: call.answer.choices.map(toChoice),
    usage: toOpenAiUsage(call.usage),
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
      ...(toolCalls !== undefined && { tool_calls: toolCalls }),
    },
    logprobs: logprobs ?? null,
    finish_reason,
  };
}
