import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { IdempotencyRepository } from './idempotency.repository.js';

/** Long enough to store an answer that has just come. */
const SHUTDOWN_WAIT_MS = 5_000;

/**
 * Renews the claims of requests that this process carries out, with one timer while there are any. Each is
 * named by itself: a lease of the whole process would also keep alive what it has given up.
 */
@Injectable()
export class ClaimLeases implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ClaimLeases.name);
  private readonly open = new Map<string, Promise<unknown>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly transactions: Transactions,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Keeps a claim alive while the work lasts. */
  async during<T>(claimId: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    this.open.set(claimId, running);
    this.timer ??= this.transactions.detached(() =>
      setInterval(() => void this.renew(), this.settings.callLeaseMs / 3),
    );
    try {
      return await running;
    } finally {
      this.open.delete(claimId);
      if (this.open.size === 0) {
        clearInterval(this.timer);
        this.timer = undefined;
      }
    }
  }

  /** A client may be gone whose answer is still to be stored. */
  async beforeApplicationShutdown(): Promise<void> {
    const ended = new AbortController();
    await Promise.race([
      Promise.allSettled(this.open.values()),
      sleep(SHUTDOWN_WAIT_MS, undefined, { signal: ended.signal }).catch(() => undefined),
    ]);
    ended.abort();
    clearInterval(this.timer);
  }

  private async renew(): Promise<void> {
    try {
      await this.repository.renewLeases(
        this.transactions.manager,
        [...this.open.keys()],
        this.settings.callLeaseMs,
      );
    } catch (error) {
      this.logger.error({ err: error }, 'The claims of running requests could not be renewed.');
    }
  }
}
