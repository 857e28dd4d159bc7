import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../common/periodic-task.js';
import { CreditsService } from './credits.service.js';

const SWEEP_INTERVAL_MS = 60_000;

/** Books credits that have run out of teams that nobody asks about. */
@Injectable()
export class CreditExpiryService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly task = new PeriodicTask('The booking of expired credits', SWEEP_INTERVAL_MS, () =>
    this.sweep(),
  );

  constructor(private readonly credits: CreditsService) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /** Safe on several replicas. */
  async sweep(): Promise<void> {
    while ((await this.credits.sweepExpiries()) > 0);
  }
}
