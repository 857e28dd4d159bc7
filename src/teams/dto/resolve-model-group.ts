import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ApiIdentifier } from '../../common/openapi.js';
import { IsIdentifier } from '../../common/validators.js';

export class ResolveModelGroupQuery {
  @ApiIdentifier({
    required: false,
    description: 'Required with the admin key; with a team key it may be left out and must be its own',
    example: 'engineering-team',
  })
  @IsOptional()
  @IsIdentifier()
  team_id?: string;
}

export class ResolvedModelGroupResponse {
  @ApiProperty({ type: String, example: 'ChatFast' })
  group_name!: string;

  @ApiProperty({
    type: Boolean,
    description: 'Whether the group is one of the team and switched on',
    example: true,
  })
  team_has_access!: boolean;

  @ApiProperty({
    type: String,
    nullable: true,
    description: "The model tried first; to a team key the group's own name, or null without access",
    example: 'ChatFast',
  })
  primary_model!: string | null;

  @ApiProperty({ type: [String], description: 'Tried after it; empty to a team key', example: [] })
  fallback_models!: string[];
}
