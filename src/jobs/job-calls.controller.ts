import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { CurrentPrincipal, type Principal, Team } from '../common/access.js';
import type { EventStream } from '../common/event-stream.js';
import { LeavesForProvider } from '../common/idempotency.js';
import { CallAnswersService } from './call-answers.service.js';
import { ApiCallErrors } from './call-errors.js';
import { ApiCallAnswer } from './call-operation.js';
import { CALL_FRAMES } from './dto/call-frames.response.js';
import { isStreamed, LlmCallRequest, toChatInput } from './dto/llm-call.request.js';
import { LlmCallResponse, toLlmCallResponse } from './dto/llm-call.response.js';
import type { CallTarget } from './job-calls.types.js';
import { ApiJobId, JOB_PATH_PARAM } from './job-path.js';
import { jobNotFound, jobNotOpen } from './jobs.errors.js';

/** Calls in a job that is open. */
@ApiTags('Jobs')
@Controller('api/jobs/:job_id')
export class JobCallsController {
  constructor(private readonly answers: CallAnswersService) {}

  @Post('llm-call')
  @HttpCode(200)
  @Team()
  @LeavesForProvider()
  @ApiJobId()
  @ApiOperation({
    operationId: 'jobs_call',
    summary: 'Make an LLM call in a job',
    description:
      'The models of the group are tried in order. Sent twice without an `Idempotency-Key`, it spends twice. ' +
      'With `stream: true` it answers as `llm-call-stream` does.',
  })
  @ApiCallAnswer({ json: LlmCallResponse, frames: CALL_FRAMES })
  @ApiCallErrors(jobNotFound(), jobNotOpen('completed'))
  async call(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Body() request: LlmCallRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LlmCallResponse | EventStream> {
    const target: CallTarget = { kind: 'job', jobId };
    const input = toChatInput(request);
    if (isStreamed(request)) return this.answers.stream(principal, target, input, response);
    return toLlmCallResponse(await this.answers.call(principal, target, input, response));
  }

  @Post('llm-call-stream')
  @HttpCode(200)
  @Team()
  @LeavesForProvider()
  @ApiJobId()
  @ApiOperation({
    operationId: 'jobs_call_stream',
    summary: 'Make an LLM call in a job and read its answer while it comes',
    description:
      'Server-sent events in the shape of OpenAI’s chunks, with the usage in the last one. A client that leaves ' +
      'pays for what the model does meanwhile. With an `Idempotency-Key`, a repetition gets the whole stream again.',
  })
  @ApiCallAnswer({ json: null, frames: CALL_FRAMES })
  @ApiCallErrors(jobNotFound(), jobNotOpen('completed'))
  async stream(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Body() request: LlmCallRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EventStream> {
    return this.answers.stream(principal, { kind: 'job', jobId }, toChatInput(request), response);
  }
}
