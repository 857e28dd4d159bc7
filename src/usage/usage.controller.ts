import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { organizationNotFound, teamNotFound } from '../common/access.errors.js';
import { Admin, CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { DashboardResponse } from './dto/dashboard.response.js';
import {
  OrganizationUsageResponse,
  TeamShareResponse,
  toOrganizationUsageResponse,
} from './dto/organization-usage.response.js';
import { JobTypeUsageResponse, TeamUsageResponse, toTeamUsageResponse } from './dto/team-usage.response.js';
import { invalidMonth, toPeriod, UsageQuery } from './dto/usage.query.js';
import { UsageService } from './usage.service.js';

@ApiTags('Usage')
@Controller('api')
export class UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly clock: Clock,
  ) {}

  @Get('teams/:team_id/usage')
  @OwnTeam()
  @ApiExtraModels(JobTypeUsageResponse)
  @ApiOperation({
    summary: 'What the jobs of a team that ended in a period used',
    description:
      'Jobs count in the period in which they ended, each with its whole cost; averages of nothing are 0.',
  })
  @ApiOkResponse({ type: TeamUsageResponse })
  @ApiErrors(teamNotFound('engineering-team'), invalidMonth())
  async team(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: UsageQuery,
  ): Promise<TeamUsageResponse> {
    const period = toPeriod(query, this.clock.now());
    const { jobTypes, hasCosts } = await this.usage.getTeamUsage(principal, teamId, period);
    return toTeamUsageResponse(teamId, period.name, jobTypes, hasCosts);
  }

  @Get('organizations/:organization_id/usage')
  @Admin()
  @ApiPathIdentifier('organization_id', 'acme-corp')
  @ApiExtraModels(TeamShareResponse)
  @ApiOperation({
    summary: 'What the jobs of all teams of an organization that ended in a period used',
    description: 'As the usage of a team, summed up over the organization.',
  })
  @ApiOkResponse({ type: OrganizationUsageResponse })
  @ApiErrors(organizationNotFound('acme-corp'), invalidMonth())
  async organization(
    @Param('organization_id') organizationId: string,
    @Query() query: UsageQuery,
  ): Promise<OrganizationUsageResponse> {
    const period = toPeriod(query, this.clock.now());
    const teams = await this.usage.getOrganizationUsage(organizationId, period);
    return toOrganizationUsageResponse(organizationId, period.name, teams);
  }

  @Get('stats/dashboard')
  @Admin()
  @ApiOperation({
    summary: 'How many organizations, teams, groups and credits there are',
    description: 'As of now, over all organizations.',
  })
  @ApiOkResponse({ type: DashboardResponse })
  async dashboard(): Promise<DashboardResponse> {
    return this.usage.getDashboard();
  }
}
