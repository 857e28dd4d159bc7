import { ChatParametersRequest } from '../../chat/chat-parameters.request.js';
import { refusedParametersWithout } from '../../chat/refused-parameters.js';
import { toAnswerSchema, toChatRequest } from '../../chat/to-chat-request.js';
import { RefusesFields } from '../../common/refused-fields.js';
import type { ChatInput } from '../../jobs/job-calls.types.js';
import {
  IsCallMetadata,
  IsKeptFromProviders,
  IsModel,
  IsNotStored,
  IsServiceTier,
  IsUser,
} from './openai-call.request.js';

/** OpenAI's chat completions, with the model group as the model. */
@RefusesFields(
  refusedParametersWithout(
    'metadata',
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'store',
    'service_tier',
  ),
)
export class ChatCompletionsRequest extends ChatParametersRequest {
  @IsModel()
  model!: string;

  @IsCallMetadata()
  metadata?: object | null;

  @IsUser()
  user?: string | null;

  @IsKeptFromProviders('user-7f3a')
  safety_identifier?: string | null;

  @IsKeptFromProviders('contract-review')
  prompt_cache_key?: string | null;

  @IsNotStored()
  store?: boolean | null;

  @IsServiceTier()
  service_tier?: string | null;
}

/**
 * @param request of the door; its parameters may come from elsewhere
 * @throws DomainError validation_failed for a schema that is none
 */
export function toChatInput(
  { model, metadata }: { readonly model: string; readonly metadata?: object | null },
  parameters: ChatParametersRequest,
): ChatInput {
  return {
    modelGroup: model,
    purpose: null,
    metadata: metadata ?? {},
    request: toChatRequest(parameters),
    schema: toAnswerSchema(parameters),
  };
}
