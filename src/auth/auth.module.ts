import { Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { KeysModule } from '../keys/keys.module.js';
import { AccessGuard } from './access.guard.js';
import { BearerAuthenticator } from './bearer-authenticator.js';
import { RouteDeclarations } from './route-declarations.js';

@Module({
  imports: [KeysModule, DiscoveryModule],
  providers: [
    BearerAuthenticator,
    RouteDeclarations,
    AccessGuard,
    { provide: APP_GUARD, useExisting: AccessGuard },
  ],
})
export class AuthModule {}
