import { ApiProperty } from '@nestjs/swagger';
import { toUnixSeconds } from '../../common/time.js';
import type { ModelGroupRecord } from '../../model-groups/model-groups.types.js';

export class ModelResponse {
  @ApiProperty({ type: String, description: "The model group's name", example: 'ChatFast' })
  id!: string;

  @ApiProperty({ type: String, enum: ['model'] })
  object!: 'model';

  @ApiProperty({ type: 'integer', description: 'Seconds since 1970', example: 1_764_000_000 })
  created!: number;

  @ApiProperty({ type: String, enum: ['system'] })
  owned_by!: 'system';
}

export class ModelsResponse {
  @ApiProperty({ type: String, enum: ['list'] })
  object!: 'list';

  @ApiProperty({ type: [ModelResponse] })
  data!: ModelResponse[];
}

export function toModelResponse({ groupName, createdAt }: ModelGroupRecord): ModelResponse {
  return { id: groupName, object: 'model', created: toUnixSeconds(createdAt), owned_by: 'system' };
}

export function toModelsResponse(groups: readonly ModelGroupRecord[]): ModelsResponse {
  return { object: 'list', data: groups.map(toModelResponse) };
}
