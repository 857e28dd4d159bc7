import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { IDENTIFIER_PATTERN } from './identifiers.js';
import { ProblemResponse } from './problem.response.js';

/** Names of the security schemes in the document. */
export const BEARER_SCHEME = 'bearer';
export const ADMIN_KEY_SCHEME = 'admin_key';

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, or the thing already exists',
  401: 'No key, or one that is not valid',
  402: 'Not enough credits',
  403: 'The key may not do this',
  404: 'There is no such thing',
  409: 'The job has ended',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'A field is not valid',
  500: 'A fault on our side',
  502: 'The models behind the group failed',
  503: 'Not ready',
  504: 'The models behind the group did not answer in time',
};

/** Declares the problems that a route can answer with. */
export function ApiProblems(...statuses: number[]): MethodDecorator {
  const responses = statuses.map((status) =>
    ApiResponse({
      status,
      description: DESCRIPTIONS[status] ?? 'Problem',
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemResponse) } } },
    }),
  );
  return applyDecorators(ApiExtraModels(ProblemResponse), ...responses);
}

/** The problems of a route that takes a JSON body, beside those of every route. */
export function ApiBodyProblems(...statuses: number[]): MethodDecorator {
  return ApiProblems(413, 415, ...statuses);
}

/** An id in a request body, see {@link IDENTIFIER_PATTERN}. */
export function ApiIdentifier(options: {
  example: string;
  required?: boolean;
  nullable?: boolean;
  description?: string;
}): PropertyDecorator {
  return ApiProperty({ type: String, pattern: IDENTIFIER_PATTERN.source, ...options });
}
