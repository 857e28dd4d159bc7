import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, OwnTeam, TEAM_PATH_PARAM } from '../common/access.js';
import { Clock } from '../common/clock.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { AutoRefillRequest, toRefillTerms } from './dto/auto-refill.request.js';
import { AutoRefillResponse, toAutoRefillResponse } from './dto/auto-refill.response.js';
import { RefillSweepService } from './refill-sweep.service.js';
import { ceilingBelowAmount, refillAmountMissing, refillConditionMissing } from './refills.errors.js';
import { RefillsService } from './refills.service.js';

const EXAMPLE = 'engineering-team';

@ApiTags('Credits')
@Controller(`api/credits/teams/:${TEAM_PATH_PARAM}`)
export class RefillsController {
  constructor(
    private readonly refills: RefillsService,
    private readonly sweep: RefillSweepService,
    private readonly clock: Clock,
  ) {}

  @Post('configure-auto-refill')
  @HttpCode(200)
  @Admin()
  @ApiPathIdentifier(TEAM_PATH_PARAM, EXAMPLE)
  @ApiOperation({
    operationId: 'refills_configure',
    summary: 'Say how the credits of a team are refilled',
    description:
      'Replaces what was said before. By the calendar, below a threshold, or both. A refill that is due is made at ' +
      'once, later ones within seconds; a period is refilled once, and one in which the service did not run is ' +
      'not made up.',
  })
  @ApiOkResponse({ type: AutoRefillResponse })
  @ApiBodyErrors(
    teamNotFound(EXAMPLE),
    teamDeleted(EXAMPLE),
    refillAmountMissing(),
    refillConditionMissing(),
    ceilingBelowAmount(),
  )
  async configure(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: AutoRefillRequest,
  ): Promise<AutoRefillResponse> {
    await this.refills.configure(teamId, toRefillTerms(request));
    await this.sweep.tryRefill(teamId);
    return toAutoRefillResponse(await this.refills.get(teamId), this.clock.now());
  }

  @Get('auto-refill')
  @OwnTeam()
  @ApiOperation({
    operationId: 'refills_get',
    summary: 'How the credits of a team are refilled',
    description: 'The settings as they were last configured, and when the last refill was made.',
  })
  @ApiOkResponse({ type: AutoRefillResponse })
  @ApiErrors(teamNotFound(EXAMPLE))
  async get(@Param(TEAM_PATH_PARAM) teamId: string): Promise<AutoRefillResponse> {
    return toAutoRefillResponse(await this.refills.get(teamId), this.clock.now());
  }
}
