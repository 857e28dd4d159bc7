import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import type { Request } from 'express';
import { adminKeyRequired, otherTeam, unauthenticated } from './access.errors.js';
import { invalidField } from './domain-error.js';
import { databaseUnavailable, internalError, malformedRequest } from './general.errors.js';
import { ADMIN_KEY_SCHEME, ApiErrors, ApiPathIdentifier, BEARER_SCHEME } from './openapi.js';

/** Who asks. The admin may do what any team may. */
export type Principal =
  { readonly role: 'admin' } | { readonly role: 'team'; readonly teamId: string; readonly keyId: string };

/** Who may call a route. Every route declares exactly one; the service does not boot otherwise. */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'admin' }
  | { readonly kind: 'team'; readonly teamParam: string | null };

export const ACCESS_METADATA = 'access';
export const TEAM_PATH_PARAM = 'team_id';

const OF_EVERY_ROUTE = [
  malformedRequest(),
  invalidField('verbose', 'unknown_field', 'is not a field of this request'),
  internalError(),
];
const WITH_KEY = [unauthenticated(), databaseUnavailable()];

/** Anyone, without a key. */
export function Public(): MethodDecorator {
  return applyDecorators(declare({ kind: 'public' }), ApiErrors(...OF_EVERY_ROUTE));
}

/** The admin key only; a team key gets 403. */
export function Admin(): MethodDecorator {
  return applyDecorators(
    declare({ kind: 'admin' }),
    ApiSecurity(BEARER_SCHEME),
    ApiSecurity(ADMIN_KEY_SCHEME),
    ApiErrors(...OF_EVERY_ROUTE, ...WITH_KEY, adminKeyRequired()),
  );
}

/** A team key or the admin key; the service keeps the team to its own objects. */
export function Team(): MethodDecorator {
  return applyDecorators(
    declare({ kind: 'team', teamParam: null }),
    ApiSecurity(BEARER_SCHEME),
    ApiSecurity(ADMIN_KEY_SCHEME),
    ApiErrors(...OF_EVERY_ROUTE, ...WITH_KEY),
  );
}

/** As {@link Team}, for a route whose path names a team: another team's path is 403 before anything is read. */
export function OwnTeam(): MethodDecorator {
  return applyDecorators(
    declare({ kind: 'team', teamParam: TEAM_PATH_PARAM }),
    ApiSecurity(BEARER_SCHEME),
    ApiSecurity(ADMIN_KEY_SCHEME),
    ApiPathIdentifier(TEAM_PATH_PARAM, 'engineering-team'),
    ApiErrors(...OF_EVERY_ROUTE, ...WITH_KEY, otherTeam()),
  );
}

function declare(access: Access): MethodDecorator {
  return SetMetadata(ACCESS_METADATA, access);
}

const PRINCIPAL = Symbol('principal');

type WithPrincipal = Request & { [PRINCIPAL]?: Principal };

export function setPrincipal(request: Request, principal: Principal): void {
  (request as WithPrincipal)[PRINCIPAL] = principal;
}

export function principalOf(request: Request): Principal | null {
  return (request as WithPrincipal)[PRINCIPAL] ?? null;
}

/** Injects the {@link Principal} that the guard found. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const principal = principalOf(context.switchToHttp().getRequest<Request>());
  if (principal === null) throw new Error('A public route has no principal.');
  return principal;
});

/**
 * The team that a request is about.
 *
 * @param named may be null with a team key, which then names the team
 * @throws DomainError other_team, and validation_failed for an admin who names none
 */
export function teamOf(principal: Principal, named: string | null): string {
  if (principal.role === 'team') {
    if (named !== null && named !== principal.teamId) throw otherTeam();
    return principal.teamId;
  }
  if (named === null) throw invalidField('team_id', 'required', 'is required with the admin key');
  return named;
}
