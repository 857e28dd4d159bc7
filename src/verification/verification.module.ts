import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { LedgerMetrics } from './ledger-metrics.js';
import { VerificationController } from './verification.controller.js';
import { VerificationService } from './verification.service.js';

@Module({
  imports: [MetricsModule],
  controllers: [VerificationController],
  providers: [VerificationService, LedgerMetrics],
})
export class VerificationModule {}
