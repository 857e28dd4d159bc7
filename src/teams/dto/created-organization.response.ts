import { ApiProperty } from '@nestjs/swagger';
import { OrganizationResponse, toOrganizationResponse } from '../../organizations/organization.response.js';
import type { OrganizationRecord } from '../../organizations/organizations.types.js';
import type { CreatedTeam } from '../teams.service.js';

export class DefaultTeamResponse {
  @ApiProperty({ type: String, example: 'acme-corp_default' })
  team_id!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Acme' })
  team_alias!: string | null;

  @ApiProperty({
    type: String,
    description: 'The key of the team, shown this once',
    example: 'sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg4pQ2vB',
  })
  virtual_key!: string;

  @ApiProperty({ type: [String], example: ['ChatFast'] })
  model_groups!: string[];

  @ApiProperty({ type: 'integer', example: 100 })
  credits_allocated!: number;
}

export class CreatedOrganizationResponse extends OrganizationResponse {
  @ApiProperty({
    anyOf: [{ $ref: '#/components/schemas/DefaultTeamResponse' }, { type: 'null' }],
    description: 'null unless it was asked for',
  })
  default_team!: DefaultTeamResponse | null;
}

export function toCreatedOrganizationResponse(
  organization: OrganizationRecord,
  team: CreatedTeam | null,
): CreatedOrganizationResponse {
  return {
    ...toOrganizationResponse(organization),
    default_team: team && {
      team_id: team.team.teamId,
      team_alias: team.team.teamAlias,
      virtual_key: team.virtualKey,
      model_groups: [...team.modelGroups],
      credits_allocated: team.balance.allocated,
    },
  };
}
