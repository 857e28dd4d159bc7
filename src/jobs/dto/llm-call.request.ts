import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsIdentifier, IsStoredText } from '../../common/validators.js';
import type { ChatMessage, ChatRequest } from '../../gateway/gateway.types.js';
import { IsChatMessages } from '../chat-messages.validator.js';
import { IsStop } from '../stop.validator.js';

/** No model reads or writes as much; a larger number is a slip. */
const MAX_MAX_TOKENS = 10_000_000;

export class TextPartRequest {
  @ApiProperty({ type: String, enum: ['text'], example: 'text' })
  type!: 'text';

  @ApiProperty({ type: String, example: 'How do I reset my password?' })
  text!: string;
}

export class ChatMessageRequest {
  @ApiProperty({ type: String, enum: ['system', 'developer', 'user', 'assistant'], example: 'user' })
  role!: string;

  @ApiProperty({
    oneOf: [
      { type: 'string' },
      { type: 'array', items: { $ref: getSchemaPath(TextPartRequest) }, minItems: 1 },
    ],
    example: 'How do I reset my password?',
  })
  content!: string | TextPartRequest[];

  @ApiPropertyOptional({ type: String, maxLength: 256, nullable: true })
  name?: string | null;
}

export class LlmCallRequest {
  @ApiProperty({ type: [ChatMessageRequest], minItems: 1 })
  @IsChatMessages()
  messages!: (Omit<ChatMessage, 'name'> & { name?: string | null })[];

  @ApiIdentifier({
    required: false,
    nullable: true,
    description: "One of the team's groups; its first when left out",
    example: 'ChatFast',
  })
  @IsOptional()
  @IsIdentifier()
  model_group?: string | null;

  @ApiPropertyOptional({
    type: String,
    maxLength: 256,
    nullable: true,
    description: 'A label of yours for this call; it is not sent to the model',
    example: 'initial_response',
  })
  @IsOptional()
  @IsStoredText(256)
  purpose?: string | null;

  @ApiPropertyOptional({ type: Number, minimum: 0, maximum: 2, nullable: true, example: 0.7 })
  @IsOptional()
  @Max(2)
  @Min(0)
  @IsNumber()
  temperature?: number | null;

  @ApiPropertyOptional({ type: Number, minimum: 0, maximum: 1, nullable: true })
  @IsOptional()
  @Max(1)
  @Min(0)
  @IsNumber()
  top_p?: number | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_MAX_TOKENS, nullable: true, example: 500 })
  @IsOptional()
  @Max(MAX_MAX_TOKENS)
  @Min(1)
  @IsInt()
  max_tokens?: number | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_MAX_TOKENS, nullable: true })
  @IsOptional()
  @Max(MAX_MAX_TOKENS)
  @Min(1)
  @IsInt()
  max_completion_tokens?: number | null;

  @ApiPropertyOptional({
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 4 }],
    nullable: true,
    example: 'END',
  })
  @IsOptional()
  @IsStop()
  stop?: string | string[] | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  @IsOptional()
  @IsInt()
  seed?: number | null;

  @ApiPropertyOptional({ type: Number, minimum: -2, maximum: 2, nullable: true })
  @IsOptional()
  @Max(2)
  @Min(-2)
  @IsNumber()
  presence_penalty?: number | null;

  @ApiPropertyOptional({ type: Number, minimum: -2, maximum: 2, nullable: true })
  @IsOptional()
  @Max(2)
  @Min(-2)
  @IsNumber()
  frequency_penalty?: number | null;
}

/** What goes to the upstream: the parameters that were given, null counting as not given. */
export function toChatRequest(request: LlmCallRequest): ChatRequest {
  const { messages, model_group: _group, purpose: _purpose, ...parameters } = request;
  const given: [string, unknown][] = Object.entries(parameters);
  return {
    messages: messages.map(({ name, ...message }) => (name == null ? message : { ...message, name })),
    parameters: Object.fromEntries(given.filter(([, value]) => value !== null && value !== undefined)),
  };
}
