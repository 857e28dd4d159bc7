import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { otherTeam, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { CurrentPrincipal, type Principal, Team } from '../common/access.js';
import type { EventStream } from '../common/event-stream.js';
import { LeavesForProvider } from '../common/idempotency.js';
import { insufficientCredits } from '../credits/credits.errors.js';
import { CallAnswersService } from './call-answers.service.js';
import { ApiCallErrors } from './call-errors.js';
import { ApiCallAnswer } from './call-operation.js';
import { CALL_FRAMES } from './dto/call-frames.response.js';
import { CreateAndCallRequest, toNewJob } from './dto/create-and-call.request.js';
import { CreatedAndCalledResponse, toCreatedAndCalledResponse } from './dto/created-and-called.response.js';
import { isStreamed, toChatInput } from './dto/llm-call.request.js';

const ApiOneCallErrors = (): MethodDecorator =>
  ApiCallErrors(
    insufficientCredits(1, 0),
    otherTeam(),
    teamNotFound('engineering-team'),
    teamDeleted('engineering-team'),
  );

/** A job, its one call and its end in one request. */
@ApiTags('Jobs')
@Controller('api/jobs')
export class OneCallJobsController {
  constructor(private readonly answers: CallAnswersService) {}

  @Post('create-and-call')
  @HttpCode(200)
  @Team()
  @LeavesForProvider()
  @ApiOperation({
    operationId: 'jobs_create_and_call',
    summary: 'Create a job, make its one call and complete it',
    description:
      'The job is completed, and charged, in the transaction that records the call; if the call fails, the job ' +
      'fails. `X-Job-Id` names it also where the answer is an error. With `stream: true` it answers as ' +
      '`create-and-call-stream` does.',
  })
  @ApiCallAnswer({ json: CreatedAndCalledResponse, frames: CALL_FRAMES })
  @ApiOneCallErrors()
  async createAndCall(
    @CurrentPrincipal() principal: Principal,
    @Body() request: CreateAndCallRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CreatedAndCalledResponse | EventStream> {
    const input = toChatInput(request);
    const target = { kind: 'new', job: toNewJob(request) } as const;
    if (isStreamed(request)) return this.answers.stream(principal, target, input, response);
    const call = await this.answers.call(principal, target, input, response);
    return toCreatedAndCalledResponse(call, await this.answers.visibilityFor(principal, call));
  }

  @Post('create-and-call-stream')
  @HttpCode(200)
  @Team()
  @LeavesForProvider()
  @ApiOperation({
    operationId: 'jobs_create_and_call_stream',
    summary: 'Create a job, make its one call, read the answer while it comes, and complete the job',
    description:
      'Server-sent events as of `llm-call-stream`; the last chunk also has the end of the job. An answer that ' +
      'breaks off fails the job.',
  })
  @ApiCallAnswer({ json: null, frames: CALL_FRAMES })
  @ApiOneCallErrors()
  async createAndCallStream(
    @CurrentPrincipal() principal: Principal,
    @Body() request: CreateAndCallRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EventStream> {
    const target = { kind: 'new', job: toNewJob(request) } as const;
    return this.answers.stream(principal, target, toChatInput(request), response);
  }
}
