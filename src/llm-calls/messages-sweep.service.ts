import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../common/periodic-task.js';
import { StoredMessagesService } from './stored-messages.service.js';

const SWEEP_INTERVAL_MS = 60_000;

/** Each row may hold as much as `MESSAGES_MAX_BYTES`. */
const BATCH_SIZE = 100;

/** Deletes messages that are no longer kept, also those of a time when the setting was on. */
@Injectable()
export class MessagesSweepService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly task = new PeriodicTask('The sweep of expired messages', SWEEP_INTERVAL_MS, () =>
    this.messages.sweep(BATCH_SIZE),
  );

  constructor(private readonly messages: StoredMessagesService) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }
}
