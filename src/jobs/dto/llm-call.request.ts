import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import { invalidField } from '../../common/domain-error.js';
import type { CallInput } from '../job-calls.service.js';
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
  messages!: (ChatMessage & { name?: string | null })[];

  @ApiIdentifier({
    required: false,
    nullable: true,
    description: "One of the team's groups; its first when left out",
    example: 'ChatFast',
  })
  @IsOptional()
  @IsIdentifier()
  model_group?: string | null;

  @ApiIdentifier({
    required: false,
    nullable: true,
    description: 'Another name of `model_group`, for clients that know the field by this name',
    example: 'ChatFast',
  })
  @IsOptional()
  @IsIdentifier()
  model?: string | null;

  @ApiMetadata({ page: 1 }, 'Your own notes on this call, up to 16 KiB; they are not sent to the model')
  @IsOptional()
  @IsMetadata()
  call_metadata?: object | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
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

  @ApiPropertyOptional({
    type: 'integer',
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    nullable: true,
    example: 42,
  })
  @IsOptional()
  @Max(Number.MAX_SAFE_INTEGER)
  @Min(Number.MIN_SAFE_INTEGER)
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

/** @throws DomainError validation_failed for two names of a group that differ */
export function toCallInput(request: LlmCallRequest): CallInput {
  const { model_group: modelGroup, model } = request;
  if (modelGroup != null && model != null && modelGroup !== model) {
    throw invalidField('model', 'ambiguous_model_group', 'must name the same group as model_group');
  }
  return {
    modelGroup: modelGroup ?? model ?? null,
    purpose: request.purpose ?? null,
    metadata: request.call_metadata ?? {},
    request: toChatRequest(request),
  };
}

/** What goes to the upstream: the parameters that were given, null counting as not given. */
function toChatRequest(request: LlmCallRequest): ChatRequest {
  const {
    messages,
    model_group: _group,
    model: _model,
    purpose: _purpose,
    call_metadata: _metadata,
    ...parameters
  } = request;
  const given: [string, unknown][] = Object.entries(parameters);
  return {
    messages: messages.map(({ name, ...message }) => (name == null ? message : { ...message, name })),
    parameters: Object.fromEntries(given.filter(([, value]) => value !== null && value !== undefined)),
  };
}
