import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { newId } from '../common/identifiers.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { LlmCallsRepository } from './llm-calls.repository.js';

/**
 * Tells the other processes that this one lives. Its calls are left alone while the lease is renewed;
 * once it runs out and a call's deadline has passed, a sweep marks the call interrupted.
 */
@Injectable()
export class CallLeases implements OnModuleInit, OnApplicationShutdown {
  /** New with every start: a restarted process does not answer for the calls of the one before it. */
  readonly processId = newId();

  private readonly logger = new Logger(CallLeases.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: LlmCallsRepository,
    private readonly transactions: Transactions,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.renew();
    this.timer = setInterval(() => {
      this.renew().catch((error: unknown) => {
        this.logger.error({ err: error }, 'The lease of this process could not be renewed.');
      });
    }, this.settings.callLeaseMs / 3);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.repository.deleteLease(this.transactions.manager, this.processId).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'The lease of this process could not be ended; it will run out.');
    });
  }

  private async renew(): Promise<void> {
    await this.repository.renewLease(this.transactions.manager, this.processId, this.settings.callLeaseMs);
  }
}
