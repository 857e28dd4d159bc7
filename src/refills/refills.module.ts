import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreditsModule } from '../credits/credits.module.js';
import { CreditRefill } from './entities/credit-refill.entity.js';
import { RefillSweepService } from './refill-sweep.service.js';
import { RefillsController } from './refills.controller.js';
import { RefillsRepository } from './refills.repository.js';
import { RefillsService } from './refills.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([CreditRefill]), CreditsModule],
  controllers: [RefillsController],
  providers: [RefillsRepository, RefillsService, RefillSweepService],
  exports: [RefillsService],
})
export class RefillsModule {}
