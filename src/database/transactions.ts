import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { sqlStateOf } from './postgres-error.js';

const MAX_ATTEMPTS = 5;
const RETRIED_STATES: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/** Opens transactions. Only services do; repositories work on the manager they are handed. */
@Injectable()
export class Transactions {
  constructor(private readonly dataSource: DataSource) {}

  /** A manager outside any transaction, for reads that need no more than one statement. */
  get manager(): EntityManager {
    return this.dataSource.manager;
  }

  /** Runs reads of more than one statement on one snapshot, so that what they find fits together. */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction('REPEATABLE READ', work);
  }

  /**
   * Runs `work` in one transaction, at the default isolation (read committed). A serialization failure
   * or a deadlock is retried with jitter, at most five times in all, so `work` must have no effect
   * outside the database.
   */
  async run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.dataSource.transaction(work);
      } catch (error) {
        const state = sqlStateOf(error);
        if (state === null || !RETRIED_STATES.has(state) || attempt === MAX_ATTEMPTS) throw error;
        await sleep(randomInt(5, 20 * attempt));
      }
    }
  }
}
