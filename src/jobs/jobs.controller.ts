import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Admin, CurrentPrincipal, OwnTeam, type Principal, Team, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyProblems, ApiProblems } from '../common/openapi.js';
import { CompleteJobRequest } from './dto/complete-job.request.js';
import { CompletedJobResponse, toCompletedJobResponse } from './dto/completed-job.response.js';
import { CreateJobRequest } from './dto/create-job.request.js';
import { JobCostsQuery } from './dto/job-costs.query.js';
import { JobCostsResponse, toJobCostsResponse } from './dto/job-costs.response.js';
import { JobListResponse, JobResponse, toJobListResponse, toJobResponse } from './dto/job.response.js';
import { ListJobsQuery, toJobFilter } from './dto/list-jobs.query.js';
import { LlmCallRequest, TextPartRequest, toChatRequest } from './dto/llm-call.request.js';
import { LlmCallResponse, toLlmCallResponse } from './dto/llm-call.response.js';
import { JobCallsService } from './job-calls.service.js';
import { JobCompletionService } from './job-completion.service.js';
import { JobsService, scopeOf } from './jobs.service.js';

const ApiJobId = (): MethodDecorator =>
  ApiParam({
    name: 'job_id',
    schema: { type: 'string', format: 'uuid' },
    example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11',
  });

@ApiTags('Jobs')
@Controller('api')
export class JobsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly calls: JobCallsService,
    private readonly completion: JobCompletionService,
  ) {}

  @Post('jobs/create')
  @HttpCode(200)
  @Team()
  @ApiOperation({ summary: 'Create a job and set a credit aside for it' })
  @ApiOkResponse({ type: JobResponse })
  @ApiBodyProblems(402, 404)
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

  @Get('jobs/:job_id')
  @Team()
  @ApiJobId()
  @ApiOperation({ summary: 'A job' })
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems(404)
  async get(@CurrentPrincipal() principal: Principal, @Param('job_id') jobId: string): Promise<JobResponse> {
    return toJobResponse(await this.jobs.get(scopeOf(principal, jobId)));
  }

  @Post('jobs/:job_id/llm-call')
  @HttpCode(200)
  @Team()
  @ApiJobId()
  @ApiExtraModels(TextPartRequest)
  @ApiOperation({ summary: 'Make an LLM call in a job' })
  @ApiOkResponse({ type: LlmCallResponse })
  @ApiBodyProblems(404, 409, 502, 504)
  async call(
    @CurrentPrincipal() principal: Principal,
    @Param('job_id') jobId: string,
    @Body() request: LlmCallRequest,
  ): Promise<LlmCallResponse> {
    const answer = await this.calls.call(principal, scopeOf(principal, jobId), {
      modelGroup: request.model_group ?? null,
      purpose: request.purpose ?? null,
      request: toChatRequest(request),
    });
    return toLlmCallResponse(answer);
  }

  @Post('jobs/:job_id/complete')
  @HttpCode(200)
  @Team()
  @ApiJobId()
  @ApiOperation({
    summary: 'End a job: charge its credit or give it back',
    description: 'Asked again with the same status, it answers with the same bytes and charges nothing.',
  })
  @ApiOkResponse({
    type: CompletedJobResponse,
    headers: {
      'Idempotent-Replayed': {
        description: '`true` if an earlier request had ended the job',
        schema: { type: 'string', enum: ['true'] },
      },
    },
  })
  @ApiBodyProblems(404, 409)
  async complete(
    @CurrentPrincipal() principal: Principal,
    @Param('job_id') jobId: string,
    @Body() request: CompleteJobRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CompletedJobResponse> {
    const completed = await this.completion.complete(scopeOf(principal, jobId), {
      status: request.status,
      errorMessage: request.error_message ?? null,
      metadata: request.metadata ?? {},
    });
    if (completed.isReplay) response.setHeader('Idempotent-Replayed', 'true');
    return toCompletedJobResponse(completed, await this.jobs.costVisibilityFor(principal));
  }

  @Get('jobs/:job_id/costs')
  @Admin()
  @ApiJobId()
  @ApiOperation({ summary: 'What a job really cost, call by call' })
  @ApiOkResponse({ type: JobCostsResponse })
  @ApiProblems(404)
  async costs(
    @CurrentPrincipal() principal: Principal,
    @Param('job_id') jobId: string,
    @Query() query: JobCostsQuery,
  ): Promise<JobCostsResponse> {
    const job = await this.jobs.get(scopeOf(principal, jobId));
    return toJobCostsResponse(job, await this.calls.list(job, query.cursor ?? null, query.limit));
  }

  @Get('teams/:team_id/jobs')
  @OwnTeam()
  @ApiOperation({ summary: 'Jobs of a team, newest first' })
  @ApiOkResponse({ type: JobListResponse })
  @ApiProblems(404)
  async list(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Query() query: ListJobsQuery,
  ): Promise<JobListResponse> {
    const page = { cursor: query.cursor ?? null, limit: query.limit };
    return toJobListResponse(await this.jobs.list(teamId, toJobFilter(query), page));
  }
}
