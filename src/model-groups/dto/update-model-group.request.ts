import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import type { ArrayBodyDescription } from '../../common/array-body.js';
import { IsStoredText, LowerCase } from '../../common/validators.js';
import { MODEL_GROUP_STATUSES, type ModelGroupStatus } from '../model-groups.types.js';
import { type GroupModelRequest, IsGroupModels } from './create-model-group.request.js';

export class UpdateModelGroupRequest {
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 256, nullable: true, example: 'Fast Chat' })
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

  @ApiPropertyOptional({
    type: String,
    enum: MODEL_GROUP_STATUSES,
    nullable: true,
    description: '`inactive` refuses calls to the group, whatever team they are of',
    example: 'active',
  })
  @IsOptional()
  @LowerCase()
  @IsIn(MODEL_GROUP_STATUSES)
  status?: ModelGroupStatus | null;
}

/** A body that is the array itself. */
export class GroupModelsBody implements ArrayBodyDescription<GroupModelRequest> {
  @IsGroupModels()
  body!: GroupModelRequest[];
}
