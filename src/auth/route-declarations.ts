import { Injectable, type OnApplicationBootstrap, RequestMethod } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { METHOD_METADATA } from '@nestjs/common/internal';
import { ACCESS_METADATA } from '../common/access.js';

/** Refuses to boot with a route that does not say who may call it. */
@Injectable()
export class RouteDeclarations implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onApplicationBootstrap(): void {
    const undeclared = this.discovery.getControllers().flatMap(({ metatype, instance }) => {
      if (metatype === null || typeof metatype !== 'function') return [];
      const prototype = Object.getPrototypeOf(instance) as Record<string, unknown>;
      return this.scanner
        .getAllMethodNames(prototype)
        .filter((name) => {
          const handler = prototype[name];
          return typeof handler === 'function' && this.isUndeclaredRoute(handler);
        })
        .map((name) => `${metatype.name}.${name}`);
    });
    if (undeclared.length > 0) {
      throw new Error(`Routes without @Admin(), @Team(), @OwnTeam() or @Public(): ${undeclared.join(', ')}`);
    }
  }

  private isUndeclaredRoute(handler: unknown): boolean {
    const route = handler as () => unknown;
    const method = this.reflector.get<RequestMethod | undefined>(METHOD_METADATA, route);
    return method !== undefined && this.reflector.get<unknown>(ACCESS_METADATA, route) === undefined;
  }
}
