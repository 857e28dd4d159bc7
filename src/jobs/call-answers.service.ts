import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import type { Principal } from '../common/access.js';
import { EventStream } from '../common/event-stream.js';
import type { CostVisibility } from '../teams/teams.types.js';
import { callHeaders } from './call-headers.js';
import { chatFrames } from './chat-frames.js';
import { toCompletedJobResponse } from './dto/completed-job.response.js';
import { JobCallsService } from './job-calls.service.js';
import type { CallEvent, CallTarget, ChatInput, MadeChat } from './job-calls.types.js';
import { JobsService } from './jobs.service.js';

/** Makes calls for the controllers, which differ in where the call goes and in what they tell of it. */
@Injectable()
export class CallAnswersService {
  constructor(
    private readonly calls: JobCallsService,
    private readonly jobs: JobsService,
  ) {}

  /** A call whose whereabouts are in the headers. @throws as {@link JobCallsService.call} */
  async call(
    principal: Principal,
    target: CallTarget,
    input: ChatInput,
    response: Response,
  ): Promise<MadeChat> {
    const call = await this.calls.call(principal, target, input);
    response.set(callHeaders(call));
    return call;
  }

  /** The frames of a call; the last chunk tells of its usage and of the end of its job. */
  async stream(
    principal: Principal,
    target: CallTarget,
    input: ChatInput,
    response: Response,
  ): Promise<EventStream> {
    const call = await this.calls.stream(principal, target, input);
    response.set(callHeaders(call));
    const summary = (end: CallEvent & { kind: 'end' }): Promise<object> => this.summarize(principal, end);
    return new EventStream(chatFrames(call, { includeUsage: true, summary }), call.leave);
  }

  /** What the caller may see of the costs of the job that ended with a call. */
  async visibilityFor(
    principal: Principal,
    { completion }: Pick<MadeChat, 'completion'>,
  ): Promise<CostVisibility> {
    if (completion === null) return 'none';
    return this.jobs.costVisibilityFor(principal, completion.completion);
  }

  private async summarize(principal: Principal, end: CallEvent & { kind: 'end' }): Promise<object> {
    const { completion, schemaMiss } = end;
    return {
      ...(schemaMiss !== null && { schema_miss: schemaMiss }),
      ...(completion !== null && {
        job: toCompletedJobResponse(completion, await this.visibilityFor(principal, end)),
      }),
    };
  }
}
