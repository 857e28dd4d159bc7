import { ApiProperty } from '@nestjs/swagger';
import type { EmbeddingAnswer } from '../../gateway/gateway.types.js';
import type { MadeCall } from '../../jobs/job-calls.types.js';
import { encodeEmbedding } from '../embedding-encoding.js';
import type { EmbeddingsRequest } from './embeddings.request.js';

export class EmbeddingResponse {
  @ApiProperty({ type: String, enum: ['embedding'] })
  object!: 'embedding';

  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  @ApiProperty({
    oneOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }],
    description: 'Numbers, or with `encoding_format: "base64"` the bytes of 32-bit floats, little-endian',
    example: [0.25, -0.5],
  })
  embedding!: number[] | string;
}

export class EmbeddingUsage {
  @ApiProperty({ type: 'integer', minimum: 0, example: 7 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', minimum: 0, example: 7 })
  total_tokens!: number;
}

export class EmbeddingsResponse {
  @ApiProperty({ type: String, enum: ['list'] })
  object!: 'list';

  @ApiProperty({ type: [EmbeddingResponse] })
  data!: EmbeddingResponse[];

  @ApiProperty({ type: String, description: "The model group's name", example: 'ChatFast' })
  model!: string;

  @ApiProperty({ type: EmbeddingUsage })
  usage!: EmbeddingUsage;
}

export function toEmbeddingsResponse(
  request: EmbeddingsRequest,
  call: MadeCall<EmbeddingAnswer>,
): EmbeddingsResponse {
  const format = request.encoding_format ?? 'float';
  return {
    object: 'list',
    data: call.answer.data.map(({ index, embedding }) => ({
      object: 'embedding',
      index,
      embedding: encodeEmbedding(embedding, format),
    })),
    model: call.modelGroup,
    usage: { prompt_tokens: call.usage.promptTokens, total_tokens: call.usage.totalTokens },
  };
}
