import { AsyncLocalStorage } from 'node:async_hooks';
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

/** The transaction of a request; null once it has ended, for whatever the request still does then. */
interface RequestTransaction {
  manager: EntityManager | null;
}

/** Opens transactions. Only services do; repositories work on the manager they are handed. */
@Injectable()
export class Transactions {
  private readonly requests = new AsyncLocalStorage<RequestTransaction | null>();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * A manager outside any transaction, for reads that need no more than one statement; inside
   * {@link runRequest} the one of the request.
   */
  get manager(): EntityManager {
    return this.ofRequest ?? this.dataSource.manager;
  }

  /**
   * Runs reads of more than one statement on one snapshot, so that what they find fits together. Inside
   * {@link runRequest} each statement has its own, because the isolation of the request is settled.
   */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const { ofRequest } = this;
    return ofRequest === null ? this.dataSource.transaction('REPEATABLE READ', work) : work(ofRequest);
  }

  /**
   * Runs `work` in one transaction, at the default isolation (read committed). A serialization failure
   * or a deadlock is retried with jitter, at most five times in all, so `work` must have no effect
   * outside the database. Inside {@link runRequest} it is a part of that transaction, still done as a whole
   * or not at all, and only the request as a whole is retried.
   */
  async run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const { ofRequest } = this;
    // On a manager that is in a transaction, TypeORM makes a savepoint of it.
    return ofRequest === null
      ? this.repeat(() => this.dataSource.transaction(work))
      : ofRequest.transaction(work);
  }

  /**
   * Runs the whole of a request in one transaction: everything that `work` begins takes part in it, without
   * being handed the manager. It never asks for a second connection, so that requests cannot wait for each
   * other's. Retried as {@link run} is. Only for requests whose answer is stored together with their effect,
   * see ADR 0012.
   */
  async runRequest<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.ofRequest !== null) throw new Error('A request has one transaction.');
    return this.repeat(() =>
      this.dataSource.transaction(async (manager) => {
        const transaction: RequestTransaction = { manager };
        try {
          return await this.requests.run(transaction, () => work(manager));
        } finally {
          transaction.manager = null;
        }
      }),
    );
  }

  /** Begins work that belongs to no request, such as a timer, from wherever it is called. */
  detached<T>(work: () => T): T {
    return this.requests.run(null, work);
  }

  /** Whether whatever is begun now takes part in the transaction of a request. */
  get isRequest(): boolean {
    return this.ofRequest !== null;
  }

  private get ofRequest(): EntityManager | null {
    return this.requests.getStore()?.manager ?? null;
  }

  private async repeat<T>(transaction: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await transaction();
      } catch (error) {
        const state = sqlStateOf(error);
        if (state === null || !RETRIED_STATES.has(state) || attempt === MAX_ATTEMPTS) throw error;
        await sleep(randomInt(5, 20 * attempt));
      }
    }
  }
}
