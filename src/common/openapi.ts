import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiParam,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  type ApiResponseOptions,
  getSchemaPath,
} from '@nestjs/swagger';
import type { DomainError, FieldError } from './domain-error.js';
import { bodyTooLarge, malformedJson, unsupportedMediaType } from './general.errors.js';
import { IDENTIFIER_PATTERN } from './identifiers.js';
import { STATUS_OF_KIND, toProblem } from './problem.js';
import { ProblemResponse } from './problem.response.js';

/** Names of the security schemes in the document. */
export const BEARER_SCHEME = 'bearer';
export const ADMIN_KEY_SCHEME = 'admin_key';

/** An id of a request in examples. */
const EXAMPLE_REQUEST_ID = '3f1c6f0e-6f1b-4a39-9d54-0f4b3c9e1a77';

/** As the default of MAX_BODY_BYTES. */
const EXAMPLE_MAX_BODY_BYTES = 1_048_576;

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, was refused, or the thing already exists',
  401: 'No key, or one that is not valid',
  402: 'Not enough credits',
  403: 'The key may not do this',
  404: 'There is no such thing',
  409: 'The state of the thing does not allow it',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'A field is not valid',
  500: 'A fault on our side',
  502: 'The models behind the group failed',
  503: 'Not available right now',
  504: 'The models behind the group did not answer in time',
};

const HEADER_DESCRIPTIONS: Readonly<Record<string, string>> = {
  'retry-after': 'Seconds to wait before the next try',
  'www-authenticate': 'How to authenticate',
  'x-should-retry':
    '`false`: sending this again spends again, or is refused again; `true`: it helps, after `Retry-After`',
};

const DECLARED_ERRORS = 'declared-errors';

/**
 * Declares errors that a route can answer with, beside those of its access. They are made by the factories
 * that the route itself throws, so the document cannot tell another status, code or text than the service.
 */
export function ApiErrors(...errors: readonly DomainError[]): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const before = (Reflect.getMetadata(DECLARED_ERRORS, handler) as DomainError[] | undefined) ?? [];
    const declared = [...before, ...errors];
    Reflect.defineMetadata(DECLARED_ERRORS, declared, handler);
    const described = new Set(before.map((error) => STATUS_OF_KIND[error.kind]));
    const byStatus = Map.groupBy(declared, (error) => STATUS_OF_KIND[error.kind]);
    applyDecorators(
      ApiExtraModels(ProblemResponse),
      ...[...byStatus].map(([status, ofStatus]) =>
        ApiResponse({
          ...problemResponse(status, ofStatus),
          // Swagger would join the description to the one that the status has already.
          ...(described.has(status) && { description: '' }),
        }),
      ),
    )(target, key, descriptor);
  };
}

/** The errors of a route that takes a JSON body, beside those of every route. */
export function ApiBodyErrors(...errors: readonly DomainError[]): MethodDecorator {
  return ApiErrors(malformedJson(), bodyTooLarge(EXAMPLE_MAX_BODY_BYTES), unsupportedMediaType(), ...errors);
}

/** The descriptions of answers with these errors, for what no route declares by itself. */
export function problemsByStatus(errors: readonly DomainError[]): [string, ApiResponseOptions][] {
  return [...Map.groupBy(errors, (error) => STATUS_OF_KIND[error.kind])].map(([status, ofStatus]) => {
    const { status: _status, ...described } = problemResponse(status, ofStatus);
    return [String(status), described];
  });
}

function problemResponse(status: number, errors: readonly DomainError[]): ApiResponseOptions {
  const headers = new Map(errors.flatMap((error) => Object.entries(error.headers)));
  return {
    status,
    description: DESCRIPTIONS[status] ?? 'Problem',
    ...(headers.size > 0 && {
      headers: Object.fromEntries(
        [...headers].map(([name, example]) => [
          name,
          { description: HEADER_DESCRIPTIONS[name] ?? name, schema: { type: 'string', example } },
        ]),
      ),
    }),
    content: {
      'application/problem+json': {
        schema: { $ref: getSchemaPath(ProblemResponse) },
        examples: Object.fromEntries(
          errors.map((error) => [exampleName(error), { value: toProblem(error, EXAMPLE_REQUEST_ID) }]),
        ),
      },
    },
  };
}

/** The code, or for validation, which has one for everything, that of the first field. */
function exampleName(error: DomainError): string {
  const fields = error.details['errors'] as readonly FieldError[] | undefined;
  return fields?.[0]?.code ?? error.code;
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

/** An instant in a query or a body, see `IsInstant`. */
export function ApiInstant(
  description: string,
  example: string | null,
  options: { nullable?: boolean } = {},
): PropertyDecorator {
  return ApiPropertyOptional({
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'date' },
      ...(options.nullable === true ? [{ type: 'null' }] : []),
    ],
    description: `ISO 8601 instant, or a day for its start in UTC; ${description}`,
    example,
  });
}

/** An id in the path. Any text is taken: one that cannot be an id names nothing, which is 404. */
export function ApiPathIdentifier(name: string, example: string): MethodDecorator {
  return ApiParam({ name, schema: { type: 'string', example } });
}

/** Metadata in a request body. */
export function ApiMetadata(
  example: object,
  description = 'Any JSON object up to 16 KiB',
): PropertyDecorator {
  return ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description,
    example,
  });
}
