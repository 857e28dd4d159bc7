import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { ApiProblems } from '../common/openapi.js';
import { JobTypeUsageResponse, TeamUsageResponse, toTeamUsageResponse } from './dto/team-usage.response.js';
import { toPeriod, UsageQuery } from './dto/usage.query.js';
import { UsageService } from './usage.service.js';

@ApiTags('Usage')
@Controller('api/teams/:team_id/usage')
export class UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly clock: Clock,
  ) {}

  @Get()
  @OwnTeam()
  @ApiExtraModels(JobTypeUsageResponse)
  @ApiOperation({ summary: 'What the jobs of a team that ended in a period used' })
  @ApiOkResponse({ type: TeamUsageResponse })
  @ApiProblems(404)
  async team(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: UsageQuery,
  ): Promise<TeamUsageResponse> {
    const period = toPeriod(query, this.clock.now());
    const { jobTypes, hasCosts } = await this.usage.getTeamUsage(principal, teamId, period);
    return toTeamUsageResponse(teamId, period.name, jobTypes, hasCosts);
  }
}
