import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Response } from 'express';
import { teamNotFound } from '../common/access.errors.js';
import { CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiErrors } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { CreditReportsService } from './credit-reports.service.js';
import { futurePeriod, invalidPeriod } from './credits.errors.js';
import { CreditGrantsResponse, toCreditGrantsResponse } from './dto/credit-grant.response.js';
import { STATEMENT_CSV_EXAMPLE, statementFileName, toStatementCsv } from './dto/credit-statement.csv.js';
import { CreditStatementQuery } from './dto/credit-statement.query.js';
import { CreditStatementResponse, toCreditStatementResponse } from './dto/credit-statement.response.js';
import { CreditTransactionsQuery, toTransactionFilter } from './dto/credit-transactions.query.js';
import {
  CreditTransactionsResponse,
  toCreditTransactionsResponse,
} from './dto/credit-transactions.response.js';

const NOT_FOUND = teamNotFound('engineering-team');

/** What the ledger tells of a team; nothing here changes it, but for what has run out and is booked first. */
@ApiTags('Credits')
@Controller('api/credits/teams/:team_id')
export class CreditReportsController {
  constructor(private readonly reports: CreditReportsService) {}

  @Get('transactions')
  @OwnTeam()
  @ApiOperation({
    operationId: 'credits_transactions',
    summary: 'What changed the credits that remain to a team, newest first',
    description: 'Credits set aside for a job and given back are not listed: they change nothing of that.',
  })
  @ApiOkResponse({ type: CreditTransactionsResponse })
  @ApiErrors(NOT_FOUND, invalidCursor())
  async transactions(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: CreditTransactionsQuery,
  ): Promise<CreditTransactionsResponse> {
    const page = await this.reports.listTransactions(
      teamId,
      toTransactionFilter(query),
      toPageRequest(query),
    );
    return toCreditTransactionsResponse(teamId, page);
  }

  @Get('grants')
  @OwnTeam()
  @ApiOperation({
    operationId: 'credits_grants',
    summary: 'The grants of a team, newest first',
    description: 'Credits, their kind, their order and their end. What was paid for them is for the admin.',
  })
  @ApiOkResponse({ type: CreditGrantsResponse })
  @ApiErrors(NOT_FOUND, invalidCursor())
  async grants(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: PageQuery,
  ): Promise<CreditGrantsResponse> {
    const page = await this.reports.listGrants(teamId, toPageRequest(query));
    return toCreditGrantsResponse(page, principal.role === 'admin');
  }

  @Get('statement')
  @OwnTeam()
  @ApiOperation({
    operationId: 'credits_statement',
    summary: 'What a month did to the credits of a team',
    description:
      'What remains is what was allocated, less what was used and what has expired; credits set aside for ' +
      'open jobs remain, so holding and releasing them is no movement. The opening balance and the movements ' +
      'add up to the closing balance: all of them to `credits_remaining`; allocations and payments to ' +
      '`credits_allocated`; deductions less refunds to `credits_used`; adjustments, which are credits that ran ' +
      'out, to `credits_expired`. A movement counts on the UTC day on which it was booked. A month in progress ' +
      'is stated up to now. As CSV: an opening line, a line per day and type, a closing line; the column ' +
      '`credits` of all lines before the closing one adds up to it.',
  })
  @ApiExtraModels(CreditStatementResponse)
  @ApiOkResponse({
    headers: {
      'Content-Disposition': { description: 'The name of the CSV file', schema: { type: 'string' } },
    },
    content: {
      'application/json': { schema: { $ref: getSchemaPath(CreditStatementResponse) } },
      'text/csv': { schema: { type: 'string' }, example: STATEMENT_CSV_EXAMPLE },
    },
  })
  @ApiErrors(NOT_FOUND, invalidPeriod(), futurePeriod())
  async statement(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: CreditStatementQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CreditStatementResponse | string> {
    const statement = await this.reports.getStatement(teamId, query.period ?? null);
    if (query.format === 'json') return toCreditStatementResponse(statement);
    response.attachment(statementFileName(statement)).type('text/csv');
    return toStatementCsv(statement);
  }
}
