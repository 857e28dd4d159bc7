import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import {
  type GroupModel,
  MODEL_GROUP_STATUSES,
  type ModelGroupRecord,
  type ModelGroupStatus,
} from '../model-groups.types.js';

export class GroupModelResponse {
  @ApiProperty({ type: String, example: 'model-a' })
  model_name!: string;

  @ApiProperty({ type: 'integer', example: 0 })
  priority!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Its share of the calls among models of the same priority',
    example: 1,
  })
  weight!: number;

  @ApiProperty({ type: Boolean, description: 'Whether calls use the model', example: true })
  is_active!: boolean;
}

/** A group as a team sees it. */
export class ModelGroupSummaryResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  model_group_id!: string;

  @ApiProperty({ type: String, example: 'ChatFast' })
  group_name!: string;

  @ApiProperty({ type: String, example: 'Fast Chat' })
  display_name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Quick responses' })
  description!: string | null;

  @ApiProperty({ type: String, enum: MODEL_GROUP_STATUSES, example: 'active' })
  status!: ModelGroupStatus;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export class ModelGroupResponse extends ModelGroupSummaryResponse {
  @ApiProperty({ type: [GroupModelResponse], description: 'In the order in which they are tried' })
  models!: GroupModelResponse[];
}

/** A group in a list, which admins and teams ask for. */
export class ListedModelGroupResponse extends ModelGroupSummaryResponse {
  @ApiPropertyOptional({
    type: [GroupModelResponse],
    description: 'In the order in which they are tried; for the admin key only',
  })
  models?: GroupModelResponse[];
}

export class ModelGroupListResponse extends PageResponse {
  @ApiProperty({ type: [ListedModelGroupResponse], description: 'Newest first' })
  data!: ListedModelGroupResponse[];
}

export class GroupModelsResponse {
  @ApiProperty({ type: String, example: 'ChatFast' })
  group_name!: string;

  @ApiProperty({ type: [GroupModelResponse], description: 'In the order in which they are tried' })
  models!: GroupModelResponse[];
}

export class DeletedModelGroupResponse {
  @ApiProperty({ type: String, example: 'ChatFast' })
  group_name!: string;

  @ApiProperty({ type: String, enum: ['deleted'], example: 'deleted' })
  status!: 'deleted';

  @ApiProperty({ type: String, example: 'Model group ChatFast is deleted.' })
  message!: string;
}

export function toModelGroupResponse(group: ModelGroupRecord): ModelGroupResponse {
  return { ...toModelGroupSummary(group), models: group.models.map(toGroupModelResponse) };
}

/** @param hasModels whether the caller may see the models: only the admin may */
export function toModelGroupListResponse(
  page: Page<ModelGroupRecord>,
  hasModels: boolean,
): ModelGroupListResponse {
  return {
    data: page.data.map((group) => (hasModels ? toModelGroupResponse(group) : toModelGroupSummary(group))),
    ...toPageResponse(page),
  };
}

export function toGroupModelsResponse({ groupName, models }: ModelGroupRecord): GroupModelsResponse {
  return { group_name: groupName, models: models.map(toGroupModelResponse) };
}

function toModelGroupSummary(group: ModelGroupRecord): ModelGroupSummaryResponse {
  return {
    model_group_id: group.modelGroupId,
    group_name: group.groupName,
    display_name: group.displayName,
    description: group.description,
    status: group.status,
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}

function toGroupModelResponse(model: GroupModel): GroupModelResponse {
  return {
    model_name: model.modelName,
    priority: model.priority,
    weight: model.weight,
    is_active: model.isActive,
  };
}
