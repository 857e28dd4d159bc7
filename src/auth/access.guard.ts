import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { adminKeyRequired, otherTeam, unauthenticated } from '../common/access.errors.js';
import { type Access, ACCESS_METADATA, type Principal, setPrincipal } from '../common/access.js';
import { SETTINGS } from '../config/config.module.js';
import { isLoopbackHost } from '../config/loopback.js';
import type { Settings } from '../config/settings.js';
import { BearerAuthenticator } from './bearer-authenticator.js';

/** The one guard before every route. It denies by default; only what a route declares is let through. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: BearerAuthenticator,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.get<Access | undefined>(ACCESS_METADATA, context.getHandler());
    if (access === undefined) throw new Error('A route without declared access was reached.');
    if (access.kind === 'public') return true;

    const request = context.switchToHttp().getRequest<Request>();
    const principal = await this.authenticate(request);
    if (principal === null) throw unauthenticated();
    if (principal.role === 'team') {
      if (access.kind === 'admin') throw adminKeyRequired();
      if (access.teamParam !== null && request.params[access.teamParam] !== principal.teamId) {
        throw otherTeam();
      }
    }
    setPrincipal(request, principal);
    return true;
  }

  /**
   * Whether a request carries what could be a key, told without a query. The bodies of others are not
   * worth reading.
   */
  mayPass(request: Request): boolean {
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.authenticator.canBeKey(authorization);
    const adminKey = request.headers['x-admin-key'];
    if (typeof adminKey === 'string') return this.authenticator.canBeKey(`Bearer ${adminKey}`);
    return this.isOpenTo(request);
  }

  private async authenticate(request: Request): Promise<Principal | null> {
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.authenticator.authenticate(authorization);
    const adminKey = request.headers['x-admin-key'];
    if (typeof adminKey === 'string') {
      const principal = await this.authenticator.authenticate(`Bearer ${adminKey}`);
      return principal?.role === 'admin' ? principal : null;
    }
    return this.isOpenTo(request) ? { role: 'admin' } : null;
  }

  /**
   * Open mode serves scripts on this machine that send no key. The host name is checked as well as the
   * address we listen on, or a web page could reach us through a name that it lets point here; and what a
   * proxy forwards, or a page from elsewhere sends, does not come from this machine.
   */
  private isOpenTo(request: Request): boolean {
    if (this.settings.authMode !== 'open') return false;
    const { host = '', origin, forwarded } = request.headers;
    const isForwarded =
      forwarded !== undefined || Object.keys(request.headers).some((name) => name.startsWith('x-forwarded-'));
    const isForeignPage =
      origin !== undefined && !(URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname));
    return !isForwarded && !isForeignPage && isLoopbackHost(host.replace(/:\d+$/, ''));
  }
}
