import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { validationFailed } from './domain-error.js';

/** Refuses query parameters on a route that takes none; where a route takes some, its DTO refuses others. */
@Injectable()
export class UnexpectedQueryInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const names = Object.keys(context.switchToHttp().getRequest<Request>().query);
    if (names.length > 0 && !takesQuery(context)) {
      throw validationFailed(
        names.map((name) => ({
          field: name,
          code: 'unknown_field',
          message: `${name} is not a field of this request`,
        })),
      );
    }
    return next.handle();
  }
}

function takesQuery(context: ExecutionContext): boolean {
  const parameters: unknown = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  );
  const prefix = `${String(RouteParamtypes.QUERY)}:`;
  return typeof parameters === 'object' && parameters !== null
    ? Object.keys(parameters).some((key) => key.startsWith(prefix))
    : false;
}
