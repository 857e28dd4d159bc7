import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { MetricsService } from '../metrics/metrics.service.js';
import type { Verification } from './verification.types.js';

/** What the last verification found, for whoever is to be woken by it. */
@Injectable()
export class LedgerMetrics {
  private readonly differences: Gauge<'check'>;
  private readonly verifiedAt: Gauge;
  private readonly failures: Counter;

  constructor({ registry }: MetricsService) {
    const registers = [registry];
    this.differences = new Gauge({
      name: 'ledger_differences',
      help: 'Differences that the last verification of this process listed, at most 100 a check.',
      labelNames: ['check'],
      registers,
    });
    this.verifiedAt = new Gauge({
      name: 'ledger_verified_timestamp_seconds',
      help: 'When this process verified the ledger last; 0 for never.',
      registers,
    });
    this.failures = new Counter({
      name: 'ledger_verification_failures_total',
      help: 'Verifications that came to no result.',
      registers,
    });
  }

  verified({ checks, checkedAt }: Verification): void {
    for (const { name, differences } of checks) this.differences.set({ check: name }, differences);
    this.verifiedAt.set(checkedAt.getTime() / 1000);
  }

  failed(): void {
    this.failures.inc();
  }
}
