import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChatUsageResponse } from './chat-usage.response.js';

class FunctionDeltaResponse {
  @ApiPropertyOptional({ type: String, example: 'get_weather' })
  name?: string;

  @ApiPropertyOptional({ type: String, description: 'To be appended to what has come', example: '{"city"' })
  arguments?: string;
}

class ToolCallDeltaResponse {
  @ApiProperty({ type: 'integer', description: 'Which call of the answer this goes on with', example: 0 })
  index!: number;

  @ApiPropertyOptional({ type: String, example: 'k3J9dQ2xZ' })
  id?: string;

  @ApiPropertyOptional({ type: String, enum: ['function'], example: 'function' })
  type?: 'function';

  @ApiProperty({ type: FunctionDeltaResponse })
  function!: FunctionDeltaResponse;
}

class DeltaResponse {
  @ApiPropertyOptional({ type: String, enum: ['assistant'], example: 'assistant' })
  role?: 'assistant';

  @ApiPropertyOptional({ type: String, example: 'Open the login page' })
  content?: string;

  @ApiPropertyOptional({ type: String })
  refusal?: string;

  @ApiPropertyOptional({ type: String, description: 'What the model thinks, where it tells' })
  reasoning_content?: string;

  @ApiPropertyOptional({ type: [ToolCallDeltaResponse] })
  tool_calls?: ToolCallDeltaResponse[];
}

class ChunkChoiceResponse {
  @ApiProperty({ type: 'integer', example: 0 })
  index!: number;

  @ApiProperty({ type: DeltaResponse })
  delta!: DeltaResponse;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  logprobs?: object;

  @ApiProperty({ type: String, nullable: true, description: 'Null until the last piece', example: null })
  finish_reason!: string | null;
}

/** OpenAI's `chat.completion.chunk`: what stands behind `data:` in every frame but the last, which is `[DONE]`. */
export class ChatChunkResponse {
  @ApiProperty({ type: String, example: 'chatcmpl-019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  id!: string;

  @ApiProperty({ type: String, enum: ['chat.completion.chunk'], example: 'chat.completion.chunk' })
  object!: 'chat.completion.chunk';

  @ApiProperty({ type: 'integer', description: 'Seconds since 1970', example: 1795512600 })
  created!: number;

  @ApiProperty({ type: String, description: "The model group's name", example: 'ChatFast' })
  model!: string;

  @ApiProperty({ type: [ChunkChoiceResponse], description: 'Empty in the chunk that has the usage' })
  choices!: ChunkChoiceResponse[];

  @ApiPropertyOptional({ type: ChatUsageResponse, description: 'In the last chunk only' })
  usage?: ChatUsageResponse;
}
