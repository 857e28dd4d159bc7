import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { adminKeyRequired, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { ApiBodyErrors, ApiErrors } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { CreditReportsService } from './credit-reports.service.js';
import { creditLimitExceeded } from './credits.errors.js';
import { CreditsService } from './credits.service.js';
import { newGrant } from './credits.types.js';
import { AddCreditsRequest } from './dto/add-credits.request.js';
import { AddCreditsResponse, toAddCreditsResponse } from './dto/add-credits.response.js';
import { CreditCheckQuery, CreditCheckResponse, toCreditCheckResponse } from './dto/credit-check.js';
import {
  CreditTransactionsResponse,
  toCreditTransactionsResponse,
} from './dto/credit-transactions.response.js';

const NOT_FOUND = teamNotFound('engineering-team');

@ApiTags('Credits')
@Controller('api/credits/teams/:team_id')
export class CreditsController {
  constructor(
    private readonly credits: CreditsService,
    private readonly reports: CreditReportsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get('transactions')
  @OwnTeam()
  @ApiOperation({
    summary: 'What changed the credits that remain to a team, newest first',
    description: 'Credits set aside for a job and given back are not listed: they change nothing of that.',
  })
  @ApiOkResponse({ type: CreditTransactionsResponse })
  @ApiErrors(NOT_FOUND, invalidCursor())
  async transactions(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: PageQuery,
  ): Promise<CreditTransactionsResponse> {
    const page = await this.reports.listTransactions(teamId, toPageRequest(query));
    return toCreditTransactionsResponse(teamId, page);
  }

  @Post('check')
  @HttpCode(200)
  @OwnTeam()
  @ApiOperation({
    summary: 'Whether so many credits are available right now',
    description:
      'Sets nothing aside: only creating a job does. It tells of credits alone, not of a suspension.',
  })
  @ApiOkResponse({ type: CreditCheckResponse })
  @ApiBodyErrors(NOT_FOUND)
  async check(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: CreditCheckQuery,
  ): Promise<CreditCheckResponse> {
    return toCreditCheckResponse(await this.credits.getBalance(teamId), query.credits_needed);
  }

  @Post('add')
  @HttpCode(200)
  @OwnTeam()
  @ApiOperation({
    summary: 'Grant credits to a team',
    description: 'Takes the admin key; a team key only where the deployment allows self-service.',
  })
  @ApiOkResponse({ type: AddCreditsResponse })
  @ApiBodyErrors(adminKeyRequired(), NOT_FOUND, teamDeleted('engineering-team'), creditLimitExceeded())
  async add(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: AddCreditsRequest,
  ): Promise<AddCreditsResponse> {
    if (principal.role === 'team' && !this.settings.hasTeamCreditSelfService) throw adminKeyRequired();
    const { balance, grant } = await this.credits.addCredits(
      teamId,
      newGrant({ credits: request.credits, kind: 'allocation', reason: request.reason ?? null }),
    );
    return toAddCreditsResponse(balance, grant);
  }
}
