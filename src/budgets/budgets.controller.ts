import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { ConversionRatesRequest, toBudgetTerms } from './budget-terms.request.js';
import { BudgetsService } from './budgets.service.js';
import { BudgetModeRequest } from './dto/budget-mode.request.js';
import { BudgetTermsResponse, toBudgetTermsResponse } from './dto/budget-terms.response.js';
import {
  FairOutcomeRequest,
  FairOutcomeResponse,
  toEndingTerms,
  toFairOutcomeResponse,
} from './dto/fair-outcome.js';

const EXAMPLE = 'engineering-team';
const NOT_FOUND = teamNotFound(EXAMPLE);
const DELETED = teamDeleted(EXAMPLE);
const ApiTeamId = (): MethodDecorator => ApiPathIdentifier(TEAM_PATH_PARAM, EXAMPLE);

@ApiTags('Credits')
@Controller(`api/credits/teams/:${TEAM_PATH_PARAM}`)
export class BudgetsController {
  constructor(private readonly budgets: BudgetsService) {}

  @Patch('budget-mode')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Say what a credit of a team buys',
    description: 'For jobs that are created from now on; those that are open keep their mode and rates.',
  })
  @ApiOkResponse({ type: BudgetTermsResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async updateMode(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: BudgetModeRequest,
  ): Promise<BudgetTermsResponse> {
    return toBudgetTermsResponse(await this.budgets.update(teamId, toBudgetTerms(request)));
  }

  @Get('conversion-rates')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'What a credit of a team buys',
    description: 'The mode and the rates of jobs that are created now.',
  })
  @ApiOkResponse({ type: BudgetTermsResponse })
  @ApiErrors(NOT_FOUND)
  async getRates(@Param(TEAM_PATH_PARAM) teamId: string): Promise<BudgetTermsResponse> {
    return toBudgetTermsResponse(await this.budgets.get(teamId));
  }

  @Patch('conversion-rates')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Change how consumption becomes credits',
    description:
      'What is left out stays as it is. For jobs that are created from now on; those that are open keep their ' +
      'rates.',
  })
  @ApiOkResponse({ type: BudgetTermsResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async updateRates(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: ConversionRatesRequest,
  ): Promise<BudgetTermsResponse> {
    return toBudgetTermsResponse(await this.budgets.update(teamId, toBudgetTerms(request)));
  }

  @Get('fair-outcome')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Which jobs of a team that did not succeed are free',
    description: 'The rule of every type of job that has none of its own.',
  })
  @ApiOkResponse({ type: FairOutcomeResponse })
  @ApiErrors(NOT_FOUND)
  async getFairOutcome(@Param(TEAM_PATH_PARAM) teamId: string): Promise<FairOutcomeResponse> {
    return toFairOutcomeResponse(await this.budgets.get(teamId));
  }

  @Patch('fair-outcome')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Change which jobs of a team that did not succeed are free',
    description:
      'What is left out stays as it is. For every job that fails, is cancelled or expires from now on, whenever ' +
      'it was created.',
  })
  @ApiOkResponse({ type: FairOutcomeResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async updateFairOutcome(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: FairOutcomeRequest,
  ): Promise<FairOutcomeResponse> {
    return toFairOutcomeResponse(await this.budgets.update(teamId, toEndingTerms(request)));
  }
}
