import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';
import { RefusesFields } from '../common/refused-fields.js';
import type { ChatMessage } from '../gateway/gateway.types.js';
import { ChatMessageRequest } from './chat-messages.schemas.js';
import {
  ChosenToolRequest,
  JsonFormatRequest,
  JsonSchemaFormatRequest,
  StreamOptionsRequest,
  TextFormatRequest,
  ToolRequest,
} from './chat-parameters.schemas.js';
import { IsLogitBias, MAX_LOGIT_BIAS, MAX_LOGIT_BIASES } from './logit-bias.validator.js';
import { NeedsLogprobs } from './logprobs.validator.js';
import { IsChatMessages } from './messages.validator.js';
import { refusedParametersWithout } from './refused-parameters.js';
import { IsResponseFormat } from './response-format.validator.js';
import { IsStop, MAX_STOPS } from './stop.validator.js';
import { IsStreamOptions } from './stream-options.validator.js';
import { IsToolChoice, IsTools, MAX_TOOLS, NeedsTools, TOOL_CHOICES } from './tools.validator.js';

/** No model reads or writes as much; a larger number is a slip. */
const MAX_MAX_TOKENS = 10_000_000;
const MAX_CHOICES = 8;
const MAX_TOP_LOGPROBS = 20;

const REASONING_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'] as const;
const VERBOSITIES = ['low', 'medium', 'high'] as const;

/**
 * What a chat request may hold, whichever door it comes through. A door extends it by what is its own.
 * Null counts as not given in every field.
 */
@RefusesFields(refusedParametersWithout())
@ApiExtraModels(ChosenToolRequest, TextFormatRequest, JsonFormatRequest, JsonSchemaFormatRequest)
export class ChatParametersRequest {
  @ApiProperty({ type: [ChatMessageRequest], minItems: 1 })
  @IsChatMessages()
  messages!: ChatMessage[];

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
    oneOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: MAX_STOPS },
    ],
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

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_CHOICES,
    nullable: true,
    description: 'Answers to the same messages; each is paid for',
  })
  @IsOptional()
  @Max(MAX_CHOICES)
  @Min(1)
  @IsInt()
  n?: number | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'Whether to tell how likely tokens were',
  })
  @IsOptional()
  @IsBoolean()
  logprobs?: boolean | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_TOP_LOGPROBS,
    nullable: true,
    description: 'The likeliest tokens at each place; goes with `logprobs: true` only',
  })
  @IsOptional()
  @NeedsLogprobs()
  @Max(MAX_TOP_LOGPROBS)
  @Min(0)
  @IsInt()
  top_logprobs?: number | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'number', minimum: -MAX_LOGIT_BIAS, maximum: MAX_LOGIT_BIAS },
    maxProperties: MAX_LOGIT_BIASES,
    nullable: true,
    description: 'By token id (digits as text), how much likelier or unlikelier the token is made',
  })
  @IsOptional()
  @IsLogitBias()
  logit_bias?: Readonly<Record<string, number>> | null;

  @ApiPropertyOptional({
    type: [ToolRequest],
    minItems: 1,
    maxItems: MAX_TOOLS,
    nullable: true,
    description: 'Functions that the model may ask for; you run them, and send what they return as messages',
    examples: [[{ type: 'function', function: { name: 'find_order', parameters: { type: 'object' } } }]],
  })
  @IsOptional()
  @IsTools()
  tools?: ToolRequest[] | null;

  @ApiPropertyOptional({
    oneOf: [{ type: 'string', enum: [...TOOL_CHOICES] }, { $ref: getSchemaPath(ChosenToolRequest) }],
    nullable: true,
    description: 'Goes with `tools` only, and names one of them, or none, any or some',
    examples: ['auto'],
  })
  @IsOptional()
  @IsToolChoice()
  @NeedsTools()
  tool_choice?: (typeof TOOL_CHOICES)[number] | ChosenToolRequest | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'Whether the model may ask for several tools at once; goes with `tools` only',
  })
  @IsOptional()
  @NeedsTools()
  @IsBoolean()
  parallel_tool_calls?: boolean | null;

  @ApiPropertyOptional({
    oneOf: [TextFormatRequest, JsonFormatRequest, JsonSchemaFormatRequest].map((format) => ({
      $ref: getSchemaPath(format),
    })),
    nullable: true,
    examples: [{ type: 'json_object' }],
  })
  @IsOptional()
  @IsResponseFormat()
  response_format?: TextFormatRequest | JsonFormatRequest | JsonSchemaFormatRequest | null;

  @ApiPropertyOptional({
    type: String,
    enum: REASONING_EFFORTS,
    nullable: true,
    description: 'How long a model that reasons may do so',
    examples: ['low'],
  })
  @IsOptional()
  @IsIn(REASONING_EFFORTS)
  reasoning_effort?: (typeof REASONING_EFFORTS)[number] | null;

  @ApiPropertyOptional({ type: String, enum: VERBOSITIES, nullable: true, examples: ['medium'] })
  @IsOptional()
  @IsIn(VERBOSITIES)
  verbosity?: (typeof VERBOSITIES)[number] | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'Whether the answer comes in parts' })
  @IsOptional()
  @IsBoolean()
  stream?: boolean | null;

  @ApiPropertyOptional({
    type: StreamOptionsRequest,
    nullable: true,
    description: 'Goes with `stream: true` only',
    examples: [{ include_usage: true }],
  })
  @IsOptional()
  @IsStreamOptions()
  stream_options?: StreamOptionsRequest | null;
}
