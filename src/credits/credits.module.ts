import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CreditExpiryService } from './credit-expiry.service.js';
import { CreditReportsController } from './credit-reports.controller.js';
import { CreditReportsRepository } from './credit-reports.repository.js';
import { CreditReportsService } from './credit-reports.service.js';
import { CreditsController } from './credits.controller.js';
import { CreditsRepository } from './credits.repository.js';
import { CreditsService } from './credits.service.js';
import { CreditAccount } from './entities/credit-account.entity.js';
import { CreditGrant } from './entities/credit-grant.entity.js';
import { CreditHoldGrant } from './entities/credit-hold-grant.entity.js';
import { CreditHold } from './entities/credit-hold.entity.js';
import { CreditRefund } from './entities/credit-refund.entity.js';
import { CreditTransfer } from './entities/credit-transfer.entity.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([
      CreditAccount,
      CreditGrant,
      CreditHold,
      CreditHoldGrant,
      CreditRefund,
      CreditTransfer,
    ]),
  ],
  controllers: [CreditsController, CreditReportsController],
  providers: [
    CreditsRepository,
    CreditsService,
    CreditExpiryService,
    CreditReportsRepository,
    CreditReportsService,
  ],
  exports: [CreditsService, CreditReportsService],
})
export class CreditsModule {}
