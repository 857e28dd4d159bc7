import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import passport from 'passport';
import { Strategy as BearerStrategy } from 'passport-http-bearer';
import type { Principal } from '../common/access.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { isWellFormedKey } from '../keys/key-format.js';
import { KeysService } from '../keys/keys.service.js';

const STRATEGY = 'bearer';

/** Tells who holds a bearer key. */
@Injectable()
export class BearerAuthenticator {
  // An instance of its own: passport's shared one would mix the strategies of two apps in one process.
  private readonly passport = new passport.Passport();
  private readonly masterKeyHash: Buffer;

  constructor(
    private readonly keys: KeysService,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.masterKeyHash = sha256(settings.masterKey);
    this.passport.use(
      STRATEGY,
      new BearerStrategy((key, done) => {
        this.identify(key).then(
          (principal) => {
            done(null, principal ?? false);
          },
          (error: unknown) => {
            done(error);
          },
        );
      }),
    );
  }

  /**
   * The holder of the key in an `Authorization` header, or null for whatever is not a usable key.
   * The strategy is shown the header alone: it would also take a key from the body and the query, where
   * logs and proxies keep it.
   */
  authenticate(authorization: string): Promise<Principal | null> {
    return new Promise((resolve, reject) => {
      const handle = this.passport.authenticate(
        STRATEGY,
        { session: false },
        (error: unknown, principal: Principal | false | undefined) => {
          if (error !== null && error !== undefined) {
            reject(error instanceof Error ? error : new Error('Authentication failed unexpectedly.'));
            return;
          }
          resolve(principal === undefined || principal === false ? null : principal);
        },
      ) as (request: object, response: object, next: (error: unknown) => void) => void;
      handle({ headers: { authorization } }, {}, reject);
    });
  }

  /** Whether the header holds the admin key or something that looks like a team's; without a query. */
  canBeKey(authorization: string): boolean {
    const key = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    return key !== undefined && (this.isMasterKey(key) || isWellFormedKey(key));
  }

  private isMasterKey(key: string): boolean {
    // Hashes of equal length, compared in constant time: the comparison tells nothing about the key.
    return timingSafeEqual(sha256(key), this.masterKeyHash);
  }

  private async identify(key: string): Promise<Principal | null> {
    if (this.isMasterKey(key)) return { role: 'admin' };
    const identity = await this.keys.findIdentity(key);
    return identity === null ? null : { role: 'team', teamId: identity.teamId, keyId: identity.keyId };
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
