import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { toStreaming } from '../chat/to-chat-request.js';
import type { Principal } from '../common/access.js';
import { EventStream } from '../common/event-stream.js';
import { callHeaders } from '../jobs/call-headers.js';
import { chatFrames } from '../jobs/chat-frames.js';
import { JobCallsService } from '../jobs/job-calls.service.js';
import { type CallAddress, toTarget } from './call-address.js';
import { type ChatCompletionsRequest, toChatInput } from './dto/chat-completions.request.js';
import { type ChatCompletionsResponse, toChatCompletionsResponse } from './dto/chat-completions.response.js';
import type { EmbeddingsRequest } from './dto/embeddings.request.js';
import { type EmbeddingsResponse, toEmbeddingsResponse } from './dto/embeddings.response.js';
import type { ResponsesRequest } from './dto/responses.request.js';
import type { ResponsesResponse } from './dto/responses.response.js';
import { toEmbeddingInput } from './embedding-input.js';
import { toResponse } from './responses/answer.js';
import { responseFrames } from './responses/response-frames.js';
import { toResponsesInput } from './responses/to-chat-input.js';

const CHAT_JOB_TYPE = 'chat_completion';
const EMBEDDING_JOB_TYPE = 'embedding';

/** From a request in OpenAI's shape to a call in a job, and back. */
@Injectable()
export class OpenaiCallsService {
  constructor(private readonly calls: JobCallsService) {}

  /** @throws as {@link JobCallsService.call} */
  async chat(
    principal: Principal,
    address: CallAddress,
    request: ChatCompletionsRequest,
    response: Response,
  ): Promise<ChatCompletionsResponse | EventStream> {
    const input = toChatInput(request, request);
    const target = toTarget(principal, address, { jobType: CHAT_JOB_TYPE, userId: request.user ?? null });
    const { isStreamed, includesUsage: includeUsage } = toStreaming(request);
    if (isStreamed) {
      const call = await this.calls.stream(principal, target, input);
      response.set(callHeaders(call));
      return new EventStream(chatFrames(call, { includeUsage }), call.leave);
    }
    const call = await this.calls.call(principal, target, input);
    response.set(callHeaders(call));
    return toChatCompletionsResponse(call);
  }

  /** @throws as {@link JobCallsService.call} */
  async respond(
    principal: Principal,
    address: CallAddress,
    request: ResponsesRequest,
    response: Response,
  ): Promise<ResponsesResponse | EventStream> {
    const input = await toResponsesInput(request);
    const target = toTarget(principal, address, { jobType: CHAT_JOB_TYPE, userId: request.user ?? null });
    if (request.stream === true) {
      const call = await this.calls.stream(principal, target, input);
      response.set(callHeaders(call));
      return new EventStream(responseFrames(request, call), call.leave);
    }
    const call = await this.calls.call(principal, target, input);
    response.set(callHeaders(call));
    return toResponse(request, call);
  }

  /** @throws as {@link JobCallsService.embed} */
  async embed(
    principal: Principal,
    address: CallAddress,
    request: EmbeddingsRequest,
    response: Response,
  ): Promise<EmbeddingsResponse> {
    const target = toTarget(principal, address, {
      jobType: EMBEDDING_JOB_TYPE,
      userId: request.user ?? null,
    });
    const call = await this.calls.embed(principal, target, toEmbeddingInput(request));
    response.set(callHeaders(call));
    return toEmbeddingsResponse(request, call);
  }
}
