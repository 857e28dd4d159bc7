import { Body, Controller, Param, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { CurrentPrincipal, type Principal } from '../common/access.js';
import type { EventStream } from '../common/event-stream.js';
import { Address, type CallAddress } from './call-address.js';
import { ChatCompletionsRequest } from './dto/chat-completions.request.js';
import type { ChatCompletionsResponse } from './dto/chat-completions.response.js';
import { EmbeddingsRequest } from './dto/embeddings.request.js';
import type { EmbeddingsResponse } from './dto/embeddings.response.js';
import {
  type ModelResponse,
  type ModelsResponse,
  toModelResponse,
  toModelsResponse,
} from './dto/models.response.js';
import { ResponsesRequest } from './dto/responses.request.js';
import type { ResponsesResponse } from './dto/responses.response.js';
import { OpenaiCallsService } from './openai-calls.service.js';
import { OpenaiModelsService } from './openai-models.service.js';
import {
  ChatCompletions,
  Embeddings,
  GetModel,
  ListModels,
  MODEL_PATH_PARAM,
  Responses,
} from './openai-operations.js';

/** OpenAI's routes: each call goes into the job that a header names, or is a job of its own. */
@ApiTags('OpenAI')
@Controller('v1')
export class OpenaiController {
  constructor(
    private readonly calls: OpenaiCallsService,
    private readonly groups: OpenaiModelsService,
  ) {}

  @ChatCompletions('headers')
  async chatCompletions(
    @CurrentPrincipal() principal: Principal,
    @Address() address: CallAddress,
    @Body() request: ChatCompletionsRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ChatCompletionsResponse | EventStream> {
    return this.calls.chat(principal, address, request, response);
  }

  @Responses('headers')
  async responses(
    @CurrentPrincipal() principal: Principal,
    @Address() address: CallAddress,
    @Body() request: ResponsesRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ResponsesResponse | EventStream> {
    return this.calls.respond(principal, address, request, response);
  }

  @Embeddings('headers')
  async embeddings(
    @CurrentPrincipal() principal: Principal,
    @Address() address: CallAddress,
    @Body() request: EmbeddingsRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EmbeddingsResponse> {
    return this.calls.embed(principal, address, request, response);
  }

  @ListModels('headers')
  async models(
    @CurrentPrincipal() principal: Principal,
    @Address() address: CallAddress,
  ): Promise<ModelsResponse> {
    return toModelsResponse(await this.groups.list(principal, address));
  }

  @GetModel('headers')
  async model(
    @CurrentPrincipal() principal: Principal,
    @Address() address: CallAddress,
    @Param(MODEL_PATH_PARAM) model: string,
  ): Promise<ModelResponse> {
    return toModelResponse(await this.groups.get(principal, address, model));
  }
}
