import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayUnique, IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsArrayOf, IsIdentifier, IsStoredText } from '../../common/validators.js';
import type { GroupModel } from '../model-groups.types.js';

export const MAX_MODELS_PER_GROUP = 20;

const MAX_WEIGHT = 1000;

/** LiteLLM takes a comma for a list of models to call at once, which would be spend without a row. */
const MODEL_NAME_PATTERN = /^[^,]+$/;

export class GroupModelRequest {
  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: 256,
    pattern: MODEL_NAME_PATTERN.source,
    description: 'As the upstream knows it; no comma',
    example: 'model-a',
  })
  @IsStoredText(256)
  @Matches(MODEL_NAME_PATTERN, { message: '$property must not hold a comma' })
  model_name!: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    nullable: true,
    description: '0 is tried first; 0 when left out',
    example: 0,
  })
  @IsOptional()
  @Max(1000)
  @Min(0)
  @IsInt()
  priority?: number | null;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_WEIGHT,
    nullable: true,
    description: 'Its share of the calls among models of the same priority; 1 when left out',
    example: 1,
  })
  @IsOptional()
  @Max(MAX_WEIGHT)
  @Min(1)
  @IsInt()
  weight?: number | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: '`false` leaves the model out of calls; `true` when left out',
    example: true,
  })
  @IsOptional()
  @IsBoolean()
  is_active?: boolean | null;
}

/** 1 to {@link MAX_MODELS_PER_GROUP} models, none twice. */
export function IsGroupModels(): PropertyDecorator {
  return applyDecorators(
    IsArrayOf(() => GroupModelRequest, 1, MAX_MODELS_PER_GROUP),
    ArrayUnique((model: GroupModelRequest | null | undefined) => model?.model_name, {
      message: '$property must not name a model twice',
    }),
  );
}

export function toGroupModel(model: GroupModelRequest): GroupModel {
  return {
    modelName: model.model_name,
    priority: model.priority ?? 0,
    weight: model.weight ?? 1,
    isActive: model.is_active ?? true,
  };
}

export class CreateModelGroupRequest {
  @ApiIdentifier({ description: 'The name that clients use', example: 'ChatFast' })
  @IsIdentifier()
  group_name!: string;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    description: 'The group name when left out',
    example: 'Fast Chat',
  })
  @IsOptional()
  @IsStoredText(256)
  display_name?: string | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 2048,
    nullable: true,
    example: 'Quick responses',
  })
  @IsOptional()
  @IsStoredText(2048)
  description?: string | null;

  @ApiProperty({ type: [GroupModelRequest], minItems: 1, maxItems: MAX_MODELS_PER_GROUP })
  @IsGroupModels()
  models!: GroupModelRequest[];
}
