import { ApiProperty } from '@nestjs/swagger';
import type { ModelGroupRecord } from '../model-groups.types.js';

export class GroupModelResponse {
  @ApiProperty({ type: String, example: 'model-a' })
  model_name!: string;

  @ApiProperty({ type: 'integer', example: 0 })
  priority!: number;
}

export class ModelGroupResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  model_group_id!: string;

  @ApiProperty({ type: String, example: 'ChatFast' })
  group_name!: string;

  @ApiProperty({ type: String, example: 'Fast Chat' })
  display_name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Quick responses' })
  description!: string | null;

  @ApiProperty({ type: [GroupModelResponse], description: 'In the order in which they are tried' })
  models!: GroupModelResponse[];

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export function toModelGroupResponse(group: ModelGroupRecord): ModelGroupResponse {
  return {
    model_group_id: group.modelGroupId,
    group_name: group.groupName,
    display_name: group.displayName,
    description: group.description,
    models: group.models.map((model) => ({ model_name: model.modelName, priority: model.priority })),
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}
