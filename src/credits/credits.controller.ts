import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyProblems, ApiProblems } from '../common/openapi.js';
import { CreditsService } from './credits.service.js';
import { AddCreditsRequest } from './dto/add-credits.request.js';
import { AddCreditsResponse, toAddCreditsResponse } from './dto/add-credits.response.js';
import { CreditBalanceResponse, toCreditBalanceResponse } from './dto/credit-balance.response.js';

@ApiTags('Credits')
@Controller('api/credits/teams/:team_id')
export class CreditsController {
  constructor(private readonly credits: CreditsService) {}

  @Get('balance')
  @OwnTeam()
  @ApiOperation({ summary: 'Credits of a team' })
  @ApiOkResponse({ type: CreditBalanceResponse })
  @ApiProblems(404)
  async balance(@Param(TEAM_PATH_PARAM) teamId: string): Promise<CreditBalanceResponse> {
    return toCreditBalanceResponse(await this.credits.getBalance(teamId));
  }

  @Post('add')
  @HttpCode(200)
  @OwnTeam()
  @ApiOperation({
    summary: 'Grant credits to a team',
    description: 'Takes the admin key; a team key only where the deployment allows self-service.',
  })
  @ApiOkResponse({ type: AddCreditsResponse })
  @ApiBodyProblems(404)
  async add(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: AddCreditsRequest,
  ): Promise<AddCreditsResponse> {
    const { balance, grant } = await this.credits.addCredits(
      principal,
      teamId,
      request.credits,
      request.reason ?? null,
    );
    return toAddCreditsResponse(balance, grant);
  }
}
