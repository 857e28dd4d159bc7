import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MAX_SCHEMA_BYTES } from './answer-schema-limits.js';
import { FUNCTION_NAME_PATTERN } from './tools.validator.js';

/* The shapes of parameters for the contract. What is checked is in the validators beside this file. */

const EXAMPLE_SCHEMA = {
  type: 'object',
  properties: { order_id: { type: 'string' } },
  required: ['order_id'],
  additionalProperties: false,
};

export class FunctionRequest {
  @ApiProperty({ type: String, pattern: FUNCTION_NAME_PATTERN.source, example: 'find_order' })
  name!: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'Finds an order by its id' })
  description?: string | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'A JSON schema of the arguments; it is passed on as it is',
    example: EXAMPLE_SCHEMA,
  })
  parameters?: object | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'Whether the arguments must keep to the schema exactly',
  })
  strict?: boolean | null;
}

export class ToolRequest {
  @ApiProperty({ type: String, enum: ['function'], example: 'function' })
  type!: 'function';

  @ApiProperty({ type: FunctionRequest })
  function!: FunctionRequest;
}

export class ChosenFunctionRequest {
  @ApiProperty({ type: String, description: 'One of the names in `tools`', example: 'find_order' })
  name!: string;
}

export class ChosenToolRequest {
  @ApiProperty({ type: String, enum: ['function'], example: 'function' })
  type!: 'function';

  @ApiProperty({ type: ChosenFunctionRequest })
  function!: ChosenFunctionRequest;
}

export class TextFormatRequest {
  @ApiProperty({ type: String, enum: ['text'], example: 'text' })
  type!: 'text';
}

export class JsonFormatRequest {
  @ApiProperty({ type: String, enum: ['json_object'], example: 'json_object' })
  type!: 'json_object';
}

export class DescribedSchemaRequest {
  @ApiProperty({ type: String, pattern: FUNCTION_NAME_PATTERN.source, example: 'order_reference' })
  name!: string;

  @ApiPropertyOptional({ type: String, nullable: true })
  description?: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: `A JSON schema of draft 2020-12, or of draft 7 if \`$schema\` says so, of at most ${String(MAX_SCHEMA_BYTES)} bytes`,
    example: EXAMPLE_SCHEMA,
  })
  schema!: object;

  @ApiPropertyOptional({ type: Boolean, nullable: true })
  strict?: boolean | null;
}

export class JsonSchemaFormatRequest {
  @ApiProperty({ type: String, enum: ['json_schema'], example: 'json_schema' })
  type!: 'json_schema';

  @ApiProperty({ type: DescribedSchemaRequest })
  json_schema!: DescribedSchemaRequest;
}

export class StreamOptionsRequest {
  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'Whether the last part of the stream tells the tokens',
  })
  include_usage?: boolean | null;
}
