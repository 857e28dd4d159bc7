import { applyDecorators, Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { allowanceNeedsFairOutcome, jobTypeTermsNotFound, jobTypeTooLong } from './budgets.errors.js';
import { BudgetsService } from './budgets.service.js';
import { MAX_JOB_TYPE_LENGTH } from './budgets.types.js';
import {
  DeletedJobTypeTermsResponse,
  JobTypeTermsListResponse,
  JobTypeTermsRequest,
  JobTypeTermsResponse,
  toJobTypeTerms,
  toJobTypeTermsListResponse,
  toJobTypeTermsResponse,
} from './dto/job-type-terms.js';

const JOB_TYPE = 'job_type';
const EXAMPLE_TEAM = 'engineering-team';
const EXAMPLE_TYPE = 'document_analysis';
const NOT_FOUND = teamNotFound(EXAMPLE_TEAM);
const DELETED = teamDeleted(EXAMPLE_TEAM);
const ApiTeamId = (): MethodDecorator => ApiPathIdentifier(TEAM_PATH_PARAM, EXAMPLE_TEAM);
const ApiTeamAndType = (): MethodDecorator =>
  applyDecorators(
    ApiTeamId(),
    ApiParam({
      name: JOB_TYPE,
      description: `URL-encoded; 1 to ${String(MAX_JOB_TYPE_LENGTH)} characters, as \`job_type\` of a job`,
      schema: { type: 'string', example: EXAMPLE_TYPE },
    }),
  );

/** Terms that hold for one type of a team's jobs. */
@ApiTags('Credits')
@Controller(`api/credits/teams/:${TEAM_PATH_PARAM}/job-types`)
export class JobTypesController {
  constructor(private readonly budgets: BudgetsService) {}

  @Get()
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Types of jobs that have terms of their own, by name',
    description: 'null is as for the team; time to live and `retry_ambiguous` as the service is set.',
  })
  @ApiOkResponse({ type: JobTypeTermsListResponse })
  @ApiErrors(NOT_FOUND, invalidCursor())
  async list(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: PageQuery,
  ): Promise<JobTypeTermsListResponse> {
    return toJobTypeTermsListResponse(await this.budgets.listJobTypes(teamId, toPageRequest(query)));
  }

  @Put(`:${JOB_TYPE}`)
  @Admin()
  @ApiTeamAndType()
  @ApiOperation({
    summary: 'Say what holds for jobs of a type',
    description:
      'Replaces what held for the type; what is left out is as for the team. Credits, time to live and ' +
      '`retry_ambiguous` hold for jobs that are created from now on, what is free for jobs that end from now on.',
  })
  @ApiOkResponse({ type: JobTypeTermsResponse })
  @ApiBodyErrors(
    NOT_FOUND,
    DELETED,
    jobTypeTooLong(MAX_JOB_TYPE_LENGTH),
    allowanceNeedsFairOutcome('free_endings'),
  )
  async replace(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Param(JOB_TYPE) jobType: string,
    @Body() request: JobTypeTermsRequest,
  ): Promise<JobTypeTermsResponse> {
    return toJobTypeTermsResponse(
      await this.budgets.replaceJobType(teamId, jobType, toJobTypeTerms(request)),
    );
  }

  @Delete(`:${JOB_TYPE}`)
  @Admin()
  @ApiTeamAndType()
  @ApiOperation({
    summary: 'Take the terms of a type away',
    description: 'Its jobs are as for the team from then on.',
  })
  @ApiOkResponse({ type: DeletedJobTypeTermsResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED, jobTypeTermsNotFound(EXAMPLE_TYPE))
  async delete(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Param(JOB_TYPE) jobType: string,
  ): Promise<DeletedJobTypeTermsResponse> {
    await this.budgets.deleteJobType(teamId, jobType);
    return {
      team_id: teamId,
      job_type: jobType,
      status: 'deleted',
      message: `Jobs of the type ${jobType} are as for the team from now on.`,
    };
  }
}
