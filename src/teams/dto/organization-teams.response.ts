import { ApiProperty } from '@nestjs/swagger';
import { PageResponse, toPageResponse } from '../../common/page.response.js';
import type { Page } from '../../common/pagination.js';
import type { TeamOverview } from '../teams.service.js';
import { TEAM_STATUSES, type TeamStatus } from '../teams.types.js';

export class OrganizationTeamResponse {
  @ApiProperty({ type: String, example: 'engineering-team' })
  team_id!: string;

  @ApiProperty({ type: String, enum: TEAM_STATUSES, example: 'active' })
  status!: TeamStatus;

  @ApiProperty({ type: [String], example: ['ChatFast'] })
  model_groups!: string[];

  @ApiProperty({ type: 'integer', example: 100 })
  credits_allocated!: number;

  @ApiProperty({ type: 'integer', example: 99 })
  credits_remaining!: number;
}

export class OrganizationTeamsResponse extends PageResponse {
  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: 'integer', description: 'On all pages; deleted teams are not counted', example: 1 })
  team_count!: number;

  @ApiProperty({ type: [OrganizationTeamResponse], description: 'Newest first' })
  teams!: OrganizationTeamResponse[];
}

export function toOrganizationTeamsResponse(
  organizationId: string,
  teamCount: number,
  page: Page<TeamOverview>,
): OrganizationTeamsResponse {
  return {
    organization_id: organizationId,
    team_count: teamCount,
    teams: page.data.map(({ team, modelGroups, balance }) => ({
      team_id: team.teamId,
      status: team.status,
      model_groups: [...modelGroups],
      credits_allocated: balance.allocated,
      credits_remaining: balance.remaining,
    })),
    ...toPageResponse(page),
  };
}
