import { ChatParametersRequest } from '../../chat/chat-parameters.request.js';
import { createValidationPipe } from '../../common/validation.pipe.js';
import type { ResponsesRequest } from '../dto/responses.request.js';
import { toChatInput } from '../dto/chat-completions.request.js';
import type { ChatInput } from '../../jobs/job-calls.types.js';
import { retell } from './places.js';
import { toChatBody } from './to-chat-body.js';

const pipe = createValidationPipe();

/**
 * The call that a request of the responses API asks for. What it is translated to is held to the rules of
 * every chat request, so that they are written once.
 *
 * @throws DomainError validation_failed, with the places of the request itself
 */
export async function toResponsesInput(request: ResponsesRequest): Promise<ChatInput> {
  const { body, places } = toChatBody(request);
  try {
    const parameters = (await pipe.transform(body, {
      type: 'body',
      metatype: ChatParametersRequest,
    })) as ChatParametersRequest;
    return toChatInput(request, parameters);
  } catch (error) {
    throw retell(error, places);
  }
}
