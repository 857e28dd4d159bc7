import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsEmbeddingInput, MAX_INPUTS, MAX_TOKEN } from '../embedding-input.validator.js';
import { IsModel, IsUser } from './openai-call.request.js';

const ENCODING_FORMATS = ['float', 'base64'] as const;
export type EncodingFormat = (typeof ENCODING_FORMATS)[number];

const MAX_DIMENSIONS = 65_536;
const TEXT = { type: 'string', minLength: 1 } as const;
const TOKEN = { type: 'integer', minimum: 0, maximum: MAX_TOKEN } as const;

export class EmbeddingsRequest {
  @IsModel()
  model!: string;

  @ApiProperty({
    anyOf: [
      TEXT,
      { type: 'array', items: TEXT, minItems: 1, maxItems: MAX_INPUTS },
      { type: 'array', items: TOKEN, minItems: 1 },
      {
        type: 'array',
        items: { type: 'array', items: TOKEN, minItems: 1 },
        minItems: 1,
        maxItems: MAX_INPUTS,
      },
    ],
    description: 'A text, texts, the tokens of a text, or those of texts',
    example: 'How do I reset my password?',
  })
  // Taken as it was sent: there may be very many tokens.
  @Transform(({ obj }: { obj: { input?: unknown } }) => obj.input)
  @IsEmbeddingInput()
  input!: string | string[] | number[] | number[][];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_DIMENSIONS, nullable: true })
  @IsOptional()
  @Max(MAX_DIMENSIONS)
  @Min(1)
  @IsInt()
  dimensions?: number | null;

  @ApiPropertyOptional({ type: String, enum: ENCODING_FORMATS, nullable: true, example: 'float' })
  @IsOptional()
  @IsIn(ENCODING_FORMATS)
  encoding_format?: EncodingFormat | null;

  @IsUser()
  user?: string | null;
}
