import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../common/periodic-task.js';
import { IdempotencyService } from './idempotency.service.js';

const SWEEP_INTERVAL_MS = 60_000;
const BATCH_SIZE = 1_000;

/** Deletes answers that are no longer kept, in batches, so that no statement locks many rows. */
@Injectable()
export class IdempotencySweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly task = new PeriodicTask('The sweep of expired answers', SWEEP_INTERVAL_MS, () =>
    this.idempotency.sweep(BATCH_SIZE),
  );

  constructor(private readonly idempotency: IdempotencyService) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }
}
