import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreditsController } from './credits.controller.js';
import { CreditsRepository } from './credits.repository.js';
import { CreditsService } from './credits.service.js';
import { CreditAccount } from './entities/credit-account.entity.js';
import { CreditGrant } from './entities/credit-grant.entity.js';
import { CreditHoldGrant } from './entities/credit-hold-grant.entity.js';
import { CreditHold } from './entities/credit-hold.entity.js';
import { CreditTransfer } from './entities/credit-transfer.entity.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([CreditAccount, CreditGrant, CreditHold, CreditHoldGrant, CreditTransfer]),
  ],
  controllers: [CreditsController],
  providers: [CreditsRepository, CreditsService],
  exports: [CreditsService],
})
export class CreditsModule {}
