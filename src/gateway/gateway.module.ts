import { Module } from '@nestjs/common';
import { GatewayService } from './gateway.service.js';
import { LitellmClient } from './litellm.client.js';

@Module({ providers: [LitellmClient, GatewayService], exports: [GatewayService] })
export class GatewayModule {}
