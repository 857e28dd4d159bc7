import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ChatParametersRequest } from '../../chat/chat-parameters.request.js';
import { toAnswerSchema, toChatRequest, toStreaming } from '../../chat/to-chat-request.js';
import { invalidField } from '../../common/domain-error.js';
import { ApiIdentifier, ApiMetadata } from '../../common/openapi.js';
import { IsIdentifier, IsMetadata, IsStoredText } from '../../common/validators.js';
import type { ChatInput } from '../job-calls.types.js';

/** A chat request, and what the call is to us. */
export class LlmCallRequest extends ChatParametersRequest {
  @ApiIdentifier({
    required: false,
    nullable: true,
    description: "One of the team's groups; its first when left out",
    example: 'ChatFast',
  })
  @IsOptional()
  @IsIdentifier()
  model_group?: string | null;

  @ApiIdentifier({
    required: false,
    nullable: true,
    description: 'Another name of `model_group`, for clients that know the field by this name',
    example: 'ChatFast',
  })
  @IsOptional()
  @IsIdentifier()
  model?: string | null;

  @ApiMetadata({ page: 1 }, 'Your own notes on this call, up to 16 KiB; they are not sent to the model')
  @IsOptional()
  @IsMetadata()
  call_metadata?: object | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 256,
    nullable: true,
    description: 'A label of yours for this call; it is not sent to the model',
    example: 'initial_response',
  })
  @IsOptional()
  @IsStoredText(256)
  purpose?: string | null;
}

/** @throws DomainError validation_failed for two names of a group that differ, and for a schema that is none */
export function toChatInput(request: LlmCallRequest): ChatInput {
  const { model_group: modelGroup, model } = request;
  if (modelGroup != null && model != null && modelGroup !== model) {
    throw invalidField('model', 'ambiguous_model_group', 'must name the same group as model_group');
  }
  return {
    modelGroup: modelGroup ?? model ?? null,
    purpose: request.purpose ?? null,
    metadata: request.call_metadata ?? {},
    request: toChatRequest(request),
    schema: toAnswerSchema(request),
  };
}

export function isStreamed(request: LlmCallRequest): boolean {
  return toStreaming(request).isStreamed;
}
