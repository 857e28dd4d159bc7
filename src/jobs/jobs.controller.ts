import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { otherTeam, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, CurrentPrincipal, OwnTeam, type Principal, Team, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyErrors, ApiErrors } from '../common/openapi.js';
import { toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { insufficientCredits } from '../credits/credits.errors.js';
import { organizationSuspended, teamSuspended } from '../teams/teams.errors.js';
import { CreateJobRequest } from './dto/create-job.request.js';
import { ExpandedJobResponse, JobQuery, toCallsPage, toExpandedJobResponse } from './dto/job-calls.js';
import { JobCostsQuery } from './dto/job-costs.query.js';
import { JobCostsResponse, toJobCostsResponse } from './dto/job-costs.response.js';
import { JobMetadataRequest } from './dto/job-metadata.request.js';
import {
  JobListResponse,
  JobMetadataResponse,
  JobResponse,
  toJobListResponse,
  toJobResponse,
} from './dto/job.response.js';
import { ListAllJobsQuery, ListJobsQuery, toJobFilter } from './dto/list-jobs.query.js';
import { JobCallsService } from './job-calls.service.js';
import { ApiJobId, JOB_PATH_PARAM } from './job-path.js';
import { jobNotFound } from './jobs.errors.js';
import { JobsService, scopeOf } from './jobs.service.js';

const NO_TEAM = teamNotFound('engineering-team');

@ApiTags('Jobs')
@Controller('api')
export class JobsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly calls: JobCallsService,
  ) {}

  @Post('jobs/create')
  @HttpCode(200)
  @Team()
  @ApiOperation({
    summary: 'Create a job and set a credit aside for it',
    description:
      'The credit is charged when the job is completed, and given back when it fails or is cancelled.',
  })
  @ApiOkResponse({ type: JobResponse })
  @ApiBodyErrors(
    insufficientCredits(1, 0),
    otherTeam(),
    teamSuspended(),
    organizationSuspended(),
    NO_TEAM,
    teamDeleted('engineering-team'),
  )
  async create(
    @CurrentPrincipal() principal: Principal,
    @Body() request: CreateJobRequest,
  ): Promise<JobResponse> {
    const job = await this.jobs.create(principal, {
      teamId: request.team_id ?? null,
      jobType: request.job_type,
      userId: request.user_id ?? null,
      metadata: request.metadata ?? {},
    });
    return toJobResponse(job);
  }

  @Get('jobs')
  @Admin()
  @ApiOperation({
    operationId: 'jobs_list_all',
    summary: 'Jobs of all teams, newest first',
    description: 'A page of jobs, of one team if it is named, stable while new jobs arrive.',
  })
  @ApiOkResponse({ type: JobListResponse })
  @ApiErrors(NO_TEAM, invalidCursor())
  async listAll(@Query() query: ListAllJobsQuery): Promise<JobListResponse> {
    const filter = toJobFilter(query, query.team_id ?? null);
    return toJobListResponse(await this.jobs.list(filter, toPageRequest(query)));
  }

  @Get('teams/:team_id/jobs')
  @OwnTeam()
  @ApiOperation({
    summary: 'Jobs of a team, newest first',
    description: 'A page of the jobs of the team, stable while new jobs arrive.',
  })
  @ApiOkResponse({ type: JobListResponse })
  @ApiErrors(NO_TEAM, invalidCursor())
  async list(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: ListJobsQuery,
  ): Promise<JobListResponse> {
    return toJobListResponse(await this.jobs.list(toJobFilter(query, teamId), toPageRequest(query)));
  }

  @Get('jobs/:job_id')
  @Team()
  @ApiJobId()
  @ApiOperation({
    summary: 'A job, with its calls if they are asked for',
    description: 'With `expand=calls` the calls of the job, oldest first, without models and costs.',
  })
  @ApiOkResponse({ type: ExpandedJobResponse })
  @ApiErrors(jobNotFound(), invalidCursor())
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Query() query: JobQuery,
  ): Promise<ExpandedJobResponse> {
    const page = toCallsPage(query);
    const job = await this.jobs.get(scopeOf(principal, jobId));
    return toExpandedJobResponse(job, page && (await this.calls.list(job, page)));
  }

  @Patch('jobs/:job_id/metadata')
  @Team()
  @ApiJobId()
  @ApiOperation({
    summary: "Merge metadata into a job's",
    description: 'Key by key, at the top level; whatever the state of the job is.',
  })
  @ApiOkResponse({ type: JobMetadataResponse })
  @ApiBodyErrors(jobNotFound())
  async updateMetadata(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Body() request: JobMetadataRequest,
  ): Promise<JobMetadataResponse> {
    const scope = scopeOf(principal, jobId);
    const { metadata, updatedAt } = await this.jobs.mergeMetadata(scope, request.metadata);
    return { job_id: scope.jobId, metadata, updated_at: updatedAt.toISOString() };
  }

  @Get('jobs/:job_id/costs')
  @Admin()
  @ApiJobId()
  @ApiOperation({
    summary: 'What a job really cost, call by call',
    description:
      'Every attempt against every model, also those that failed; what is unknown is marked, never counted as free.',
  })
  @ApiOkResponse({ type: JobCostsResponse })
  @ApiErrors(jobNotFound(), invalidCursor())
  async costs(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Query() query: JobCostsQuery,
  ): Promise<JobCostsResponse> {
    const job = await this.jobs.get(scopeOf(principal, jobId));
    return toJobCostsResponse(job, await this.calls.list(job, toPageRequest(query)));
  }
}
