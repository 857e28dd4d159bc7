import { Body, Controller, HttpCode, Inject, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { adminKeyRequired, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { IDEMPOTENCY_KEY_HEADER, IDEMPOTENT_REPLAYED_HEADER } from '../common/idempotency.js';
import { ApiBodyErrors, ApiPathIdentifier } from '../common/openapi.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { CreditBalanceResponse, toCreditBalanceResponse } from './credit-balance.response.js';
import { CreditReportsService } from './credit-reports.service.js';
import {
  chargeNotFound,
  creditLimitExceeded,
  expiresBeforeStart,
  expiresInPast,
  externalReferenceConflict,
  externalReferenceRequired,
  overdraftInUse,
  refundExceedsCharge,
} from './credits.errors.js';
import { CreditsService } from './credits.service.js';
import { AddCreditsRequest, isPlainTopUp, toAddedGrant } from './dto/add-credits.request.js';
import { AddCreditsResponse, toAddCreditsResponse } from './dto/add-credits.response.js';
import { CreditCheckQuery, CreditCheckResponse, toCreditCheckResponse } from './dto/credit-check.js';
import { OverdraftRequest } from './dto/overdraft.request.js';
import {
  RefundCreditsRequest,
  RefundCreditsResponse,
  toRefundCreditsResponse,
} from './dto/refund-credits.js';
import {
  ReplenishCreditsRequest,
  ReplenishCreditsResponse,
  toPurchase,
  toReplenishCreditsResponse,
} from './dto/replenish-credits.js';

const EXAMPLE_TEAM = 'engineering-team';
const NOT_FOUND = teamNotFound(EXAMPLE_TEAM);
const ApiTeamId = (): MethodDecorator => ApiPathIdentifier(TEAM_PATH_PARAM, EXAMPLE_TEAM);

const REPLAYED = {
  [IDEMPOTENT_REPLAYED_HEADER]: {
    description: '`true` if an earlier request had granted the credits',
    schema: { type: 'string', enum: ['true'] },
  },
};

@ApiTags('Credits')
@Controller('api/credits/teams/:team_id')
export class CreditsController {
  constructor(
    private readonly credits: CreditsService,
    private readonly reports: CreditReportsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

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
    return toCreditCheckResponse(
      await this.credits.getSpendable(teamId, query.job_type ?? null),
      query.credits_needed,
    );
  }

  @Post('add')
  @HttpCode(200)
  @OwnTeam()
  @ApiOperation({
    summary: 'Grant credits to a team',
    description:
      'Takes the admin key; a team key only where the deployment allows self-service, and with `credits` and ' +
      '`reason` alone. Repeated with the same `external_reference`, it grants nothing more and shows the grant.',
  })
  @ApiOkResponse({ type: AddCreditsResponse, headers: REPLAYED })
  @ApiBodyErrors(
    adminKeyRequired(),
    NOT_FOUND,
    teamDeleted(EXAMPLE_TEAM),
    externalReferenceConflict(),
    expiresInPast(),
    expiresBeforeStart(),
    creditLimitExceeded(),
  )
  async add(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: AddCreditsRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AddCreditsResponse> {
    const isAdmin = principal.role === 'admin';
    if (!isAdmin && !(this.settings.hasTeamCreditSelfService && isPlainTopUp(request))) {
      throw adminKeyRequired();
    }
    const { balance, grant, isReplay } = await this.credits.addCredits(teamId, toAddedGrant(request));
    markReplay(response, isReplay);
    return toAddCreditsResponse(balance, this.reports.withStatus(grant), isAdmin);
  }

  @Post('replenish')
  @HttpCode(200)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Grant the credits of a payment to a team',
    description:
      'Once for each payment event: `external_reference` names it, and repeated with it, the answer is that of ' +
      'the first time. Without one the header `Idempotency-Key` is required.',
  })
  @ApiOkResponse({ type: ReplenishCreditsResponse, headers: REPLAYED })
  @ApiBodyErrors(
    NOT_FOUND,
    teamDeleted(EXAMPLE_TEAM),
    externalReferenceConflict(),
    externalReferenceRequired(),
    expiresInPast(),
    creditLimitExceeded(),
  )
  async replenish(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() body: ReplenishCreditsRequest,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ReplenishCreditsResponse> {
    // Payment providers deliver an event more than once; what has no name cannot be told apart.
    if (body.external_reference == null && request.get(IDEMPOTENCY_KEY_HEADER) === undefined) {
      throw externalReferenceRequired();
    }
    const { grant, isReplay } = await this.credits.addCredits(teamId, toPurchase(body));
    markReplay(response, isReplay);
    return toReplenishCreditsResponse(grant, await this.reports.getAllocation(grant));
  }

  @Post('refund')
  @HttpCode(200)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Give back what a job was charged, or a part of it',
    description:
      'To the grants that paid it; where those have ended, the credits run out again at once. Several refunds ' +
      'of a job come to its charge at most. Sent twice for a part, it gives back twice.',
  })
  @ApiOkResponse({ type: RefundCreditsResponse })
  @ApiBodyErrors(NOT_FOUND, chargeNotFound(), refundExceedsCharge(1))
  async refund(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: RefundCreditsRequest,
  ): Promise<RefundCreditsResponse> {
    const job = { teamId, jobId: request.job_id.toLowerCase() };
    const { refundId } = await this.credits.refund(job, request.credits ?? null, request.reason ?? null);
    return toRefundCreditsResponse({ ...job, refundId }, await this.reports.getRefund(teamId, refundId));
  }

  @Patch('overdraft')
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Set how far the credits of a team may go below zero',
    description: 'Credits that come later cover what was overdrawn, before anything else is paid with them.',
  })
  @ApiOkResponse({ type: CreditBalanceResponse })
  @ApiBodyErrors(NOT_FOUND, teamDeleted(EXAMPLE_TEAM), overdraftInUse(12))
  async setOverdraft(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: OverdraftRequest,
  ): Promise<CreditBalanceResponse> {
    return toCreditBalanceResponse(await this.credits.setOverdraftLimit(teamId, request.overdraft_limit));
  }
}

function markReplay(response: Response, isReplay: boolean): void {
  if (isReplay) response.setHeader(IDEMPOTENT_REPLAYED_HEADER, 'true');
}
