import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin, CurrentPrincipal, type Principal } from '../common/access.js';
import { ApiErrors } from '../common/openapi.js';
import { messagesNotFound } from '../llm-calls/llm-calls.errors.js';
import { LlmCallsService } from '../llm-calls/llm-calls.service.js';
import { CallMessagesResponse, toCallMessagesResponse } from './dto/call-messages.response.js';
import { ApiCallId, ApiJobId, CALL_PATH_PARAM, JOB_PATH_PARAM } from './job-path.js';
import { jobNotFound } from './jobs.errors.js';
import { JobsService, scopeOf } from './jobs.service.js';

/** In `jobs`, because the path names the job and an unknown one has an answer of its own. */
@ApiTags('Jobs')
@Controller(`api/jobs/:${JOB_PATH_PARAM}/calls/:${CALL_PATH_PARAM}/messages`)
export class CallMessagesController {
  constructor(
    private readonly jobs: JobsService,
    private readonly llmCalls: LlmCallsService,
  ) {}

  @Get()
  @Admin()
  @ApiJobId()
  @ApiCallId()
  @ApiOperation({
    operationId: 'jobs_call_messages',
    summary: 'What a call asked, and what it was answered',
    description:
      'Only of calls that ended while the service was set to store messages (`STORE_MESSAGES`), and only until ' +
      'they expire.',
  })
  @ApiOkResponse({ type: CallMessagesResponse })
  @ApiErrors(jobNotFound(), messagesNotFound())
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param(JOB_PATH_PARAM) jobId: string,
    @Param(CALL_PATH_PARAM) callId: string,
  ): Promise<CallMessagesResponse> {
    const job = await this.jobs.get(scopeOf(principal, jobId));
    return toCallMessagesResponse(await this.llmCalls.getMessages(job, callId));
  }
}
