import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { isPrototypeName } from './body-inspection.js';
import { validationFailed } from './domain-error.js';

/**
 * Refuses query parameters and body fields on a route that takes none. Where a route takes some, its DTO
 * refuses others, but for names that it cannot see.
 */
@Injectable()
export class UnexpectedInputInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const queryNames = Object.keys(request.query);
    const unexpected = [
      ...(takes(context, RouteParamtypes.QUERY) ? queryNames.filter(isPrototypeName) : queryNames),
      ...(takes(context, RouteParamtypes.BODY) ? [] : bodyFields(request.body)),
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
