import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/internal';
import type { Request } from 'express';
import { describe, expect, it } from '@jest/globals';
import {
  type Access,
  ACCESS_METADATA,
  Admin,
  CurrentPrincipal,
  OwnTeam,
  type Principal,
  principalOf,
  Public,
  setPrincipal,
  Team,
} from './access.js';
import { adminKeyRequired, otherTeam, unauthenticated } from './access.errors.js';

class Routes {
  @Public()
  publicRoute(): string {
    return 'answer';
  }

  @Admin()
  adminRoute(): string {
    return 'answer';
  }

  @Team()
  teamRoute(): string {
    return 'answer';
  }

  @OwnTeam()
  ownTeamRoute(@CurrentPrincipal() principal: Principal): string {
    return principal.role;
  }
}

type RouteName = 'publicRoute' | 'adminRoute' | 'teamRoute' | 'ownTeamRoute';

function metadataOf(key: string, route: RouteName): unknown {
  const handler: unknown = Object.getOwnPropertyDescriptor(Routes.prototype, route)?.value;
  return Reflect.getMetadata(key, handler as object);
}

function emptyRequest(): Request {
  return {} as unknown as Request;
}

/** What the parameter decorator hands to the handler, by the metadata that Nest reads it from. */
function injectedInto(request: Request): unknown {
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, Routes, 'ownTeamRoute') as Record<
    string,
    { factory: (data: unknown, context: ExecutionContext) => unknown }
  >;
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as unknown as ExecutionContext;
  return Object.values(parameters)[0]!.factory(undefined, context);
}

describe('a declared route', () => {
  it.each<[RouteName, Access]>([
    ['publicRoute', { kind: 'public' }],
    ['adminRoute', { kind: 'admin' }],
    ['teamRoute', { kind: 'team', teamParam: null }],
    ['ownTeamRoute', { kind: 'team', teamParam: 'team_id' }],
  ])('(%s) says who may call it', (route, access) => {
    expect(metadataOf(ACCESS_METADATA, route)).toEqual(access);
  });

  it.each<[RouteName, string[]]>([
    ['adminRoute', ['400', '401', '403', '422', '500', '503']],
    ['teamRoute', ['400', '401', '422', '500', '503']],
    ['ownTeamRoute', ['400', '401', '403', '422', '500', '503']],
  ])('(%s) documents both ways to send a key, and the answers without the right one', (route, statuses) => {
    expect(metadataOf('swagger/apiSecurity', route)).toEqual(
      expect.arrayContaining([{ bearer: [] }, { admin_key: [] }]),
    );
    expect(Object.keys(metadataOf('swagger/apiResponse', route) as object)).toEqual(statuses);
  });

  it('that is public asks for no key', () => {
    expect(metadataOf('swagger/apiSecurity', 'publicRoute')).toBeUndefined();
  });
});

describe('the principal', () => {
  const principal: Principal = { role: 'team', teamId: 'engineering', keyId: 'key' };

  it('of a request is the one that the guard set, and of another request none', () => {
    const request = emptyRequest();
    setPrincipal(request, principal);

    expect(principalOf(request)).toBe(principal);
    expect(principalOf(emptyRequest())).toBeNull();
  });

  it('cannot be smuggled in by a field of the request', () => {
    expect(principalOf({ principal, user: principal } as unknown as Request)).toBeNull();
  });

  it('is what a handler is handed', () => {
    const request = emptyRequest();
    setPrincipal(request, principal);

    expect(injectedInto(request)).toBe(principal);
  });

  it('is a fault of ours where a public route asks for it', () => {
    expect(() => injectedInto(emptyRequest())).toThrow('A public route has no principal.');
  });
});

describe('a refusal', () => {
  it('without a usable key says how to send one, and is the same every time', () => {
    expect(unauthenticated()).toMatchObject({
      kind: 'unauthenticated',
      code: 'unauthenticated',
      headers: { 'www-authenticate': 'Bearer' },
      details: {},
    });
    expect(unauthenticated().message).toBe(unauthenticated().message);
  });

  it('of the right key for the wrong thing is forbidden, and names nothing', () => {
    expect(adminKeyRequired()).toMatchObject({ kind: 'forbidden', code: 'admin_key_required', details: {} });
    expect(otherTeam()).toMatchObject({ kind: 'forbidden', code: 'other_team', details: {} });
  });
});
