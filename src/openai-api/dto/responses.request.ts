import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  Allow,
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Max,
  Min,
} from 'class-validator';
import { refusedParametersWithout } from '../../chat/refused-parameters.js';
import { RefusesFields } from '../../common/refused-fields.js';
import {
  IsCallMetadata,
  IsKeptFromProviders,
  IsModel,
  IsNotStored,
  IsServiceTier,
  IsUser,
} from './openai-call.request.js';

/** Taken as it was sent, without a copy: `to-chat-body.ts` looks at it. */
function AsSent(): PropertyDecorator {
  return (target, property) => {
    Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key])(target, property);
    Allow()(target, property);
  };
}

const FREE_OBJECT = { type: 'object', additionalProperties: true } as const;

const TAKEN = [
  'metadata',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'store',
  'service_tier',
  'input',
  'instructions',
  'max_output_tokens',
  'reasoning',
  'text',
] as const;

/** What only this API has, and needs more than the request itself. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['previous_response_id', 'nothing is stored, so send the whole conversation as input'],
  ['conversation', 'nothing is stored, so send the whole conversation as input'],
  ['prompt', 'nothing is stored, so send the prompt itself as instructions and input'],
  ['background', 'every call is made at once and its answer waited for'],
  ['max_tool_calls', 'it is about tools that run at a provider'],
  ['top_logprobs', 'use the chat completions, which tell how likely tokens were'],
  ['stream_options', 'the stream has the usage in its last event anyway'],
];

/** OpenAI's responses API, as far as it needs nothing that is stored. */
@RefusesFields(new Map([...refusedParametersWithout(...TAKEN), ...REFUSED]))
export class ResponsesRequest {
  @IsModel()
  model!: string;

  @ApiProperty({
    anyOf: [{ type: 'string' }, { type: 'array', items: FREE_OBJECT, minItems: 1 }],
    description:
      'Text, or items: messages (`input_text`, `input_image`, `output_text`), `function_call`, ' +
      '`function_call_output`; `reasoning` is left out',
    example: 'How do I reset my password?',
  })
  @AsSent()
  @IsDefined({ message: 'input must be text or an array of items' })
  input!: unknown;

  @ApiPropertyOptional({
    anyOf: [{ type: 'string' }, { type: 'null' }],
    description: 'Goes before the input',
    example: 'Answer in one sentence.',
  })
  @IsOptional()
  @IsString()
  instructions?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 10_000_000, nullable: true, example: 500 })
  @IsOptional()
  @Max(10_000_000)
  @Min(1)
  @IsInt()
  max_output_tokens?: number | null;

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

  @ApiPropertyOptional({
    type: 'array',
    items: FREE_OBJECT,
    nullable: true,
    description: 'Tools of the type `function`: `{type, name, description?, parameters?, strict?}`',
  })
  @AsSent()
  tools?: object[] | null;

  @ApiPropertyOptional({
    anyOf: [{ type: 'string', enum: ['none', 'auto', 'required'] }, FREE_OBJECT, { type: 'null' }],
    description: 'Goes with `tools`: one of the words, or `{type: "function", name}`',
    examples: ['auto'],
  })
  @AsSent()
  tool_choice?: string | object | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true })
  @IsOptional()
  @IsBoolean()
  parallel_tool_calls?: boolean | null;

  @ApiPropertyOptional({
    ...FREE_OBJECT,
    nullable: true,
    description:
      '`format` (`text`, `json_object`, or `json_schema` with `name` and `schema`) and `verbosity`',
  })
  @AsSent()
  text?: object | null;

  @ApiPropertyOptional({
    ...FREE_OBJECT,
    nullable: true,
    description: '`effort`; a `summary` may be asked for and is not given',
  })
  @AsSent()
  reasoning?: object | null;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', enum: ['reasoning.encrypted_content'] },
    nullable: true,
    description: 'Nothing is stored, so nothing of it can be included; the one word is taken without effect',
    examples: [[]],
  })
  @AsSent()
  include?: string[] | null;

  @IsCallMetadata()
  metadata?: object | null;

  @IsUser()
  user?: string | null;

  @IsKeptFromProviders('user-7f3a')
  safety_identifier?: string | null;

  @IsKeptFromProviders('contract-review')
  prompt_cache_key?: string | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'Answer with server-sent events' })
  @IsOptional()
  @IsBoolean()
  stream?: boolean | null;

  @IsNotStored()
  store?: boolean | null;

  @ApiPropertyOptional({ type: String, enum: ['disabled'], nullable: true })
  @IsOptional()
  @IsIn(['disabled'])
  truncation?: string | null;

  @IsServiceTier()
  service_tier?: string | null;
}
