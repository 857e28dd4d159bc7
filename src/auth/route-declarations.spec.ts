import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { type DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { Admin, OwnTeam, Public, Team } from '../common/access.js';
import { RouteDeclarations } from './route-declarations.js';

@Controller()
class Declared {
  @Get('a')
  @Admin()
  a(): void {
    this.helper();
  }

  @Get('b')
  @Team()
  b(): void {
    this.helper();
  }

  @Get('c')
  @OwnTeam()
  c(): void {
    this.helper();
  }

  @Get('d')
  @Public()
  d(): void {
    this.helper();
  }

  helper(): void {
    // No route: it needs no declaration.
  }
}

@Controller()
class Forgotten extends Declared {
  @Get('e')
  e(): void {
    this.helper();
  }
}

function boot(...controllers: (new () => object)[]): void {
  const found = controllers.map((metatype) => ({ metatype, instance: new metatype() }));
  const discovery = { getControllers: () => found } as unknown as DiscoveryService;
  new RouteDeclarations(discovery, new MetadataScanner(), new Reflector()).onApplicationBootstrap();
}

describe('booting', () => {
  it('goes on when every route says who may call it', () => {
    expect(() => {
      boot(Declared);
    }).not.toThrow();
  });

  it('is refused with the name of a route that says nothing', () => {
    expect(() => {
      boot(Declared, Forgotten);
    }).toThrow('Forgotten.e');
  });
});
