import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ToolCallResponse } from '../../chat/tool-call.response.js';
import type { ChatChoice, ToolCall } from '../../gateway/gateway.types.js';
import type { MadeChat } from '../job-calls.types.js';

export class ChatAnswerResponse {
  @ApiProperty({ type: String, nullable: true, example: 'Open the login page and choose "Forgot password".' })
  content!: string | null;

  @ApiProperty({ type: String, example: 'assistant' })
  role!: string;

  @ApiProperty({ type: String, nullable: true, example: 'stop' })
  finish_reason!: string | null;

  @ApiPropertyOptional({ type: [ToolCallResponse], description: 'Where the model calls tools' })
  tool_calls?: readonly ToolCall[];

  @ApiPropertyOptional({ type: String, description: 'Where the model refuses to answer' })
  refusal?: string;

  @ApiPropertyOptional({ type: String, description: 'What the model thought, where it tells' })
  reasoning_content?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: "OpenAI's, where they were asked for",
  })
  logprobs?: object;
}

export class FirstAnswerResponse extends ChatAnswerResponse {
  @ApiPropertyOptional({
    description: 'The content as JSON; only of a request with a JSON schema, and only if it matches that',
    example: { city: 'Paris' },
  })
  parsed?: unknown;

  @ApiPropertyOptional({
    type: String,
    description: 'Why the answer does not match the JSON schema of the request; absent if it does',
    example: '/city: type',
  })
  schema_miss?: string;
}

export class CallMetadataResponse {
  @ApiProperty({ type: 'integer', example: 57 })
  tokens_used!: number;

  @ApiProperty({ type: 'integer', example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', example: 33 })
  completion_tokens!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Of the prompt, those that were read from a cache',
    example: 0,
  })
  cached_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Of the completion, those of thinking', example: 0 })
  reasoning_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Milliseconds', example: 842 })
  latency_ms!: number;

  @ApiProperty({ type: String, example: 'ChatFast' })
  model_group!: string;
}

export class LlmCallResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  call_id!: string;

  @ApiProperty({ type: FirstAnswerResponse })
  response!: FirstAnswerResponse;

  @ApiPropertyOptional({
    type: [ChatAnswerResponse],
    description: 'All answers in order, the first one again; only where `n` asked for several',
  })
  choices?: ChatAnswerResponse[];

  @ApiProperty({ type: CallMetadataResponse })
  metadata!: CallMetadataResponse;
}

export function toLlmCallResponse(call: MadeChat): LlmCallResponse {
  const { callId, answer, usage, latencyMs, modelGroup, schemaMiss } = call;
  const [first] = answer.choices;
  if (first === undefined) throw new Error('An answer has at least one choice.');
  return {
    call_id: callId,
    response: {
      ...toAnswer(first),
      ...('parsed' in call && { parsed: call.parsed }),
      ...(schemaMiss !== null && { schema_miss: schemaMiss }),
    },
    ...(answer.choices.length > 1 && { choices: answer.choices.map(toAnswer) }),
    metadata: {
      tokens_used: usage.totalTokens,
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      cached_tokens: usage.cachedTokens,
      reasoning_tokens: usage.reasoningTokens,
      latency_ms: latencyMs,
      model_group: modelGroup,
    },
  };
}

function toAnswer({ message, logprobs, finish_reason }: ChatChoice): ChatAnswerResponse {
  return { ...message, finish_reason, ...(logprobs !== undefined && { logprobs }) };
}
