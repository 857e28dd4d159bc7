import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { isPrototypeName } from './body-inspection.js';
import { invalidField, validationFailed } from './domain-error.js';

const OPTIONAL_BODY = 'optional-body';

/** Says of a route with a body that it may be left out. */
export function OptionalBody(): MethodDecorator {
  return SetMetadata(OPTIONAL_BODY, true);
}

/**
 * Refuses query parameters and body fields on a route that takes none, and a missing body where one is
 * needed. Where a route takes some, its DTO refuses others, but for names that it cannot see.
 */
@Injectable()
export class UnexpectedInputInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const queryNames = Object.keys(request.query);
    const takesBody = takes(context, RouteParamtypes.BODY);
    if (takesBody && request.body === undefined && !isBodyOptional(context)) {
      throw invalidField('body', 'required', 'is required: send JSON with Content-Type: application/json');
    }
    const unexpected = [
      ...(takes(context, RouteParamtypes.QUERY) ? queryNames.filter(isPrototypeName) : queryNames),
      ...(takesBody ? [] : bodyFields(request.body)),
    ];
    if (unexpected.length > 0) {
      throw validationFailed(
        unexpected.map((name) => ({
          field: name,
          code: 'unknown_field',
          message: `${name} is not a field of this request`,
        })),
      );
    }
    return next.handle();
  }
}

function isBodyOptional(context: ExecutionContext): boolean {
  return Reflect.getMetadata(OPTIONAL_BODY, context.getHandler()) === true;
}

function bodyFields(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Array.isArray(body) ? ['body'] : Object.keys(body);
}

function takes(context: ExecutionContext, kind: RouteParamtypes): boolean {
  const parameters: unknown = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  );
  if (typeof parameters !== 'object' || parameters === null) return false;
  return Object.keys(parameters).some((key) => key.startsWith(`${String(kind)}:`));
}
