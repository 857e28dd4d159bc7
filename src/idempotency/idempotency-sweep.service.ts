import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { IdempotencyService } from './idempotency.service.js';

const SWEEP_INTERVAL_MS = 60_000;
const BATCH_SIZE = 1_000;

/** Deletes answers that are no longer kept, in batches, so that no statement locks many rows. */
@Injectable()
export class IdempotencySweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(IdempotencySweepService.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;

  constructor(private readonly idempotency: IdempotencyService) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running ??= this.sweep().finally(() => {
        this.running = null;
      });
    }, SWEEP_INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async sweep(): Promise<void> {
    try {
      await this.idempotency.sweep(BATCH_SIZE);
    } catch (error) {
      this.logger.error({ err: error }, 'The sweep of expired answers failed; it is tried again.');
    }
  }
}
