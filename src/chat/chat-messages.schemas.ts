import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { AUDIO_FORMATS, IMAGE_DETAILS, ROLES } from './message-parts.js';
import { MAX_TOOL_CALL_ID_LENGTH, MAX_TOOL_CALLS } from './message-tool-calls.js';
import { MAX_NAME_LENGTH } from './messages.validator.js';
import { FUNCTION_NAME_PATTERN } from './tools.validator.js';

/* The shapes of messages for the contract. What is checked is in `messages.validator.ts`. */

export class TextPartRequest {
  @ApiProperty({ type: String, enum: ['text'], example: 'text' })
  type!: 'text';

  @ApiProperty({ type: String, example: 'How do I reset my password?' })
  text!: string;
}

export class ImageUrlRequest {
  @ApiProperty({
    type: String,
    description: 'An `http://` or `https://` URL, or `data:image/png;base64,…` (png, jpeg, gif, webp)',
    example: 'https://example.com/screenshot.png',
  })
  url!: string;

  @ApiPropertyOptional({ type: String, enum: IMAGE_DETAILS, nullable: true })
  detail?: (typeof IMAGE_DETAILS)[number] | null;
}

export class ImagePartRequest {
  @ApiProperty({ type: String, enum: ['image_url'], example: 'image_url' })
  type!: 'image_url';

  @ApiProperty({ type: ImageUrlRequest })
  image_url!: ImageUrlRequest;
}

export class InputAudioRequest {
  @ApiProperty({ type: String, format: 'byte', description: 'Base64', example: 'UklGRg==' })
  data!: string;

  @ApiProperty({ type: String, enum: AUDIO_FORMATS, example: 'wav' })
  format!: (typeof AUDIO_FORMATS)[number];
}

export class AudioPartRequest {
  @ApiProperty({ type: String, enum: ['input_audio'], example: 'input_audio' })
  type!: 'input_audio';

  @ApiProperty({ type: InputAudioRequest })
  input_audio!: InputAudioRequest;
}

export class RefusalPartRequest {
  @ApiProperty({ type: String, enum: ['refusal'], example: 'refusal' })
  type!: 'refusal';

  @ApiProperty({ type: String, example: 'I cannot help with that.' })
  refusal!: string;
}

export class CalledFunctionRequest {
  @ApiProperty({ type: String, pattern: FUNCTION_NAME_PATTERN.source, example: 'find_order' })
  name!: string;

  @ApiProperty({
    type: String,
    description: 'The JSON that the model wrote, as it wrote it',
    example: '{"order_id":"A-17"}',
  })
  arguments!: string;
}

export class ToolCallRequest {
  @ApiProperty({ type: String, minLength: 1, maxLength: MAX_TOOL_CALL_ID_LENGTH, example: 'call_1' })
  id!: string;

  @ApiProperty({ type: String, enum: ['function'], example: 'function' })
  type!: 'function';

  @ApiProperty({ type: CalledFunctionRequest })
  function!: CalledFunctionRequest;
}

@ApiExtraModels(TextPartRequest, ImagePartRequest, AudioPartRequest, RefusalPartRequest)
export class ChatMessageRequest {
  @ApiProperty({ type: String, enum: ROLES, example: 'user' })
  role!: (typeof ROLES)[number];

  @ApiPropertyOptional({
    oneOf: [
      { type: 'string' },
      {
        type: 'array',
        minItems: 1,
        items: {
          oneOf: [TextPartRequest, ImagePartRequest, AudioPartRequest, RefusalPartRequest].map((part) => ({
            $ref: getSchemaPath(part),
          })),
        },
      },
    ],
    nullable: true,
    description:
      'Text or parts; images and sounds in messages of the role `user`, refusals in those of `assistant`. Only a ' +
      'message of the role `assistant` with `tool_calls` or `refusal` may do without',
    example: 'How do I reset my password?',
  })
  content?: string | object[] | null;

  @ApiPropertyOptional({ type: String, maxLength: MAX_NAME_LENGTH, nullable: true })
  name?: string | null;

  @ApiPropertyOptional({
    type: [ToolCallRequest],
    minItems: 1,
    maxItems: MAX_TOOL_CALLS,
    nullable: true,
    description: 'Of the role `assistant`: the tools that the model asked for',
    examples: [[{ id: 'call_1', type: 'function', function: { name: 'find_order', arguments: '{}' } }]],
  })
  tool_calls?: ToolCallRequest[] | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: MAX_TOOL_CALL_ID_LENGTH,
    nullable: true,
    description: 'Of the role `tool`, and required there: the tool call before it that is answered',
  })
  tool_call_id?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Of the role `assistant`: why the model did not answer',
  })
  refusal?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Of the role `assistant`: the reasoning of an earlier answer, for models that want it back',
  })
  reasoning_content?: string | null;
}
