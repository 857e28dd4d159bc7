import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';

const CALL_ID = '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12';

export class OutputTextPart {
  @ApiProperty({ type: String, enum: ['output_text'] })
  type!: 'output_text';

  @ApiProperty({ type: String, example: 'Open the login page and choose "Forgot password".' })
  text!: string;

  @ApiProperty({ type: 'array', items: { type: 'object' }, maxItems: 0, example: [] })
  annotations!: object[];

  @ApiProperty({ type: 'array', items: { type: 'object' }, maxItems: 0, example: [] })
  logprobs!: object[];
}

export class RefusalPart {
  @ApiProperty({ type: String, enum: ['refusal'] })
  type!: 'refusal';

  @ApiProperty({ type: String, example: 'I cannot help with that.' })
  refusal!: string;
}

export type ContentPart = OutputTextPart | RefusalPart;

const ITEM_STATUSES = ['in_progress', 'completed', 'incomplete'] as const;

@ApiExtraModels(OutputTextPart, RefusalPart)
export class MessageItem {
  @ApiProperty({ type: String, example: `msg_${CALL_ID}` })
  id!: string;

  @ApiProperty({ type: String, enum: ['message'] })
  type!: 'message';

  @ApiProperty({ type: String, enum: ITEM_STATUSES, example: 'completed' })
  status!: (typeof ITEM_STATUSES)[number];

  @ApiProperty({ type: String, enum: ['assistant'] })
  role!: 'assistant';

  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ $ref: getSchemaPath(OutputTextPart) }, { $ref: getSchemaPath(RefusalPart) }] },
  })
  content!: ContentPart[];
}

export class FunctionCallItem {
  @ApiProperty({ type: String, example: `fc_${CALL_ID}_0` })
  id!: string;

  @ApiProperty({ type: String, enum: ['function_call'] })
  type!: 'function_call';

  @ApiProperty({ type: String, enum: ITEM_STATUSES, example: 'completed' })
  status!: (typeof ITEM_STATUSES)[number];

  @ApiProperty({
    type: String,
    description: 'What the output of the function refers to',
    example: 'a1B2c3D4e',
  })
  call_id!: string;

  @ApiProperty({ type: String, example: 'get_invoice' })
  name!: string;

  @ApiProperty({ type: String, description: 'JSON, as the model wrote it', example: '{"number":4711}' })
  arguments!: string;
}

export type OutputItem = MessageItem | FunctionCallItem;

export class IncompleteDetails {
  @ApiProperty({ type: String, enum: ['max_output_tokens', 'content_filter'] })
  reason!: 'max_output_tokens' | 'content_filter';
}

export class ResponseFailure {
  @ApiProperty({ type: String, example: 'server_error' })
  code!: string;

  @ApiProperty({ type: String, example: 'The answer broke off.' })
  message!: string;
}

export class ResponseReasoning {
  @ApiProperty({ type: String, nullable: true, example: null })
  effort!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'None is given', example: null })
  summary!: string | null;
}

export class InputTokensDetails {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  cached_tokens!: number;
}

export class OutputTokensDetails {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  reasoning_tokens!: number;
}

export class ResponseUsage {
  @ApiProperty({ type: 'integer', minimum: 0, example: 24 })
  input_tokens!: number;

  @ApiProperty({ type: InputTokensDetails })
  input_tokens_details!: InputTokensDetails;

  @ApiProperty({ type: 'integer', minimum: 0, example: 33 })
  output_tokens!: number;

  @ApiProperty({ type: OutputTokensDetails })
  output_tokens_details!: OutputTokensDetails;

  @ApiProperty({ type: 'integer', minimum: 0, example: 57 })
  total_tokens!: number;
}

const STATUSES = ['in_progress', 'completed', 'incomplete', 'failed'] as const;

@ApiExtraModels(MessageItem, FunctionCallItem, ResponseFailure, IncompleteDetails, ResponseUsage)
export class ResponsesResponse {
  @ApiProperty({ type: String, example: `resp_${CALL_ID}` })
  id!: string;

  @ApiProperty({ type: String, enum: ['response'] })
  object!: 'response';

  @ApiProperty({ type: 'integer', description: 'Seconds since 1970', example: 1_764_000_000 })
  created_at!: number;

  @ApiProperty({ type: String, enum: STATUSES, example: 'completed' })
  status!: (typeof STATUSES)[number];

  @ApiProperty({ type: Boolean, enum: [false] })
  background!: false;

  @ApiProperty({ anyOf: [{ $ref: getSchemaPath(ResponseFailure) }, { type: 'null' }], example: null })
  error!: ResponseFailure | null;

  @ApiProperty({ anyOf: [{ $ref: getSchemaPath(IncompleteDetails) }, { type: 'null' }], example: null })
  incomplete_details!: IncompleteDetails | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  instructions!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: null })
  max_output_tokens!: number | null;

  @ApiProperty({ type: String, description: "The model group's name", example: 'ChatFast' })
  model!: string;

  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ $ref: getSchemaPath(MessageItem) }, { $ref: getSchemaPath(FunctionCallItem) }] },
  })
  output!: OutputItem[];

  @ApiProperty({ type: Boolean, example: true })
  parallel_tool_calls!: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'Always null: nothing is stored', example: null })
  previous_response_id!: string | null;

  @ApiProperty({ type: ResponseReasoning })
  reasoning!: ResponseReasoning;

  @ApiProperty({ type: Boolean, enum: [false], description: 'Nothing is stored' })
  store!: false;

  @ApiProperty({ type: Number, nullable: true, example: null })
  temperature!: number | null;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { format: { type: 'text' } } })
  text!: object;

  @ApiProperty({
    oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }],
    description: 'As it was asked',
    example: 'auto',
  })
  tool_choice!: string | object;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'As they were sent',
    example: [],
  })
  tools!: object[];

  @ApiProperty({ type: Number, nullable: true, example: null })
  top_p!: number | null;

  @ApiProperty({ type: String, enum: ['disabled'] })
  truncation!: 'disabled';

  @ApiProperty({ anyOf: [{ $ref: getSchemaPath(ResponseUsage) }, { type: 'null' }] })
  usage!: ResponseUsage | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  user!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'As it was sent', example: {} })
  metadata!: object;
}
