import type { DomainError } from './domain-error.js';
import { openAiStatusOf, toOpenAiError } from './openai-error.js';
import { isOpenAiPath } from './openai-path.js';
import { PROBLEM_TYPE, renderProblem, STATUS_OF_KIND } from './problem.js';

/** An error as bytes: the same ones for the same error and request, wherever they are made. */
export interface ErrorAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** @param request its path decides the shape: a problem document, or what OpenAI's clients read */
export function toErrorAnswer(
  error: DomainError,
  request: { readonly path: string; readonly requestId: string },
): ErrorAnswer {
  if (isOpenAiPath(request.path)) {
    return {
      status: openAiStatusOf(error),
      contentType: 'application/json',
      body: JSON.stringify(toOpenAiError(error)),
    };
  }
  return {
    status: STATUS_OF_KIND[error.kind],
    contentType: PROBLEM_TYPE,
    body: renderProblem(error, request.requestId),
  };
}
