import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ResponsesResponse } from './responses.response.js';

/** An event of a streamed response; which further members it has depends on its type. */
export class ResponseEventResponse {
  @ApiProperty({ type: String, description: 'Also the name of the event', example: 'response.completed' })
  type!: string;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'From 0, without gaps', example: 9 })
  sequence_number!: number;

  @ApiPropertyOptional({
    type: ResponsesResponse,
    description:
      'With `response.created`, `in_progress`, and the last event: `completed`, `incomplete` or `failed`',
  })
  response?: ResponsesResponse;

  @ApiPropertyOptional({ type: 'integer', minimum: 0 })
  output_index?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0 })
  content_index?: number;

  @ApiPropertyOptional({ type: String })
  item_id?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'With `output_item` events',
  })
  item?: object;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'With `content_part` events',
  })
  part?: object;

  @ApiPropertyOptional({ type: String, description: 'The next piece' })
  delta?: string;

  @ApiPropertyOptional({ type: String, description: 'The whole text' })
  text?: string;

  @ApiPropertyOptional({ type: String, description: 'The whole refusal' })
  refusal?: string;

  @ApiPropertyOptional({ type: String, description: 'The function that is called' })
  name?: string;

  @ApiPropertyOptional({ type: String, description: 'The whole arguments' })
  arguments?: string;

  @ApiPropertyOptional({ type: 'array', items: { type: 'object' }, maxItems: 0 })
  logprobs?: object[];
}
