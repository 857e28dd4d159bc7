import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { teamNotFound } from '../common/access.errors.js';
import { CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiErrors } from '../common/openapi.js';
import { parseInstant } from '../common/time.js';
import { TeamBalanceQuery, TeamBalanceResponse, toTeamBalanceResponse } from './dto/team-balance.js';
import { TeamBalanceService } from './team-balance.service.js';
import { instantInFuture } from './teams.errors.js';

/** The balance, which also tells of the team, its budget and its refills; `credits` knows of none of them. */
@ApiTags('Credits')
@Controller(`api/credits/teams/:${TEAM_PATH_PARAM}`)
export class TeamBalanceController {
  constructor(private readonly balances: TeamBalanceService) {}

  @Get('balance')
  @OwnTeam()
  @ApiOperation({
    operationId: 'credits_balance',
    summary: 'Credits of a team',
    description:
      '`remaining` is what is available and what open jobs hold, so creating a job does not change it. With `as_of` ' +
      'the credits are those of then, everything else is that of now.',
  })
  @ApiOkResponse({ type: TeamBalanceResponse })
  @ApiErrors(teamNotFound('engineering-team'), instantInFuture())
  async balance(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: TeamBalanceQuery,
  ): Promise<TeamBalanceResponse> {
    const asOf = query.as_of === undefined ? null : parseInstant(query.as_of);
    return toTeamBalanceResponse(await this.balances.get(teamId, asOf), principal.role);
  }
}
