import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { CurrentPrincipal, type Principal, Team } from '../common/access.js';
import { IDEMPOTENT_REPLAYED_HEADER } from '../common/idempotency.js';
import { ApiBodyErrors } from '../common/openapi.js';
import { OptionalBody } from '../common/unexpected-input.interceptor.js';
import { insufficientCredits } from '../credits/credits.errors.js';
import { CancelJobRequest, CompleteJobRequest } from './dto/complete-job.request.js';
import { CompletedJobResponse, toCompletedJobResponse } from './dto/completed-job.response.js';
import { JobCompletionService } from './job-completion.service.js';
import { ApiJobId, JOB_PATH_PARAM } from './job-path.js';
import { jobNotFound, jobNotOpen } from './jobs.errors.js';
import { JobsService, scopeOf } from './jobs.service.js';
import type { CompletionStatus } from './jobs.types.js';

const ApiCompletedJob = (): MethodDecorator =>
  ApiOkResponse({
    type: CompletedJobResponse,
    headers: {
      [IDEMPOTENT_REPLAYED_HEADER]: {
        description: '`true` if an earlier request had ended the job, or had the same `Idempotency-Key`',
        schema: { type: 'string', enum: ['true'] },
      },
    },
  });

/** How a job ends. */
@ApiTags('Jobs')
@Controller('api/jobs/:job_id')
export class JobActionsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly completion: JobCompletionService,
  ) {}

  @Post('complete')
  @HttpCode(200)
  @Team()
  @ApiJobId()
  @ApiOperation({
    operationId: 'jobs_complete',
    summary: 'End a job: charge its credit or give it back',
    description:
      'Asked again with the same status, it answers with the same bytes and charges nothing. A job that has expired can still be completed if credits can be had for it.',
  })
  @ApiCompletedJob()
  @ApiBodyErrors(insufficientCredits(1, 0), jobNotFound(), jobNotOpen('failed'))
  async complete(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Body() request: CompleteJobRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CompletedJobResponse> {
    return this.end(principal, jobId, request.status, request, response);
  }

  @Post('cancel')
  @HttpCode(200)
  @Team()
  @ApiJobId()
  @ApiOperation({
    operationId: 'jobs_cancel',
    summary: 'Cancel a job: its credit is given back',
    description: 'The same as completing it with the status `cancelled`. The body may be left out.',
  })
  @OptionalBody()
  @ApiBody({ type: CancelJobRequest, required: false })
  @ApiCompletedJob()
  @ApiBodyErrors(jobNotFound(), jobNotOpen('completed'))
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Body() request: CancelJobRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CompletedJobResponse> {
    return this.end(principal, jobId, 'cancelled', request, response);
  }

  private async end(
    principal: Principal,
    jobId: string,
    status: CompletionStatus,
    request: CancelJobRequest,
    response: Response,
  ): Promise<CompletedJobResponse> {
    const completed = await this.completion.complete(scopeOf(principal, jobId), {
      status,
      errorMessage: request.error_message ?? null,
      metadata: request.metadata ?? {},
    });
    if (completed.isReplay) response.setHeader(IDEMPOTENT_REPLAYED_HEADER, 'true');
    return toCompletedJobResponse(
      completed,
      await this.jobs.costVisibilityFor(principal, completed.completion),
    );
  }
}
