import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { databaseUnavailable } from '../common/general.errors.js';
import { PeriodicTask } from '../common/periodic-task.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { withDataSource } from '../database/data-source-options.js';
import { sqlStateOf } from '../database/postgres-error.js';
import { queryRows } from '../database/rows.js';
import { Transactions } from '../database/transactions.js';
import { LEDGER_CHECKS } from './ledger-checks.js';
import { LedgerMetrics } from './ledger-metrics.js';
import { verificationTimedOut } from './verification.errors.js';
import type { Verification } from './verification.types.js';
import { verifyLedger } from './verify-ledger.js';

/** Any number that no other advisory lock of the database has: `ledger` in ASCII. */
const TURN_LOCK = '119195941692786';

const QUERY_CANCELED = '57014';

/** A connection that says nothing this long after the database should have given up is dead. */
const DEAD_CONNECTION_MARGIN_MS = 10_000;

/** Verifies the ledger, now and then and when it is asked for. */
@Injectable()
export class VerificationService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(VerificationService.name);
  private readonly stopping = new AbortController();
  private readonly task: PeriodicTask | null;
  private running: Promise<Verification | null> | null = null;
  private backendPid: number | null = null;

  constructor(
    private readonly metrics: LedgerMetrics,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    const { ledgerCheckIntervalMs } = settings;
    this.task =
      ledgerCheckIntervalMs === 0
        ? null
        : new PeriodicTask('The verification of the ledger', ledgerCheckIntervalMs, () =>
            this.verifyInTurn(),
          );
  }

  onApplicationBootstrap(): void {
    this.task?.start();
  }

  /** Does not wait for what a large ledger takes: what is running is canceled. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    if (this.backendPid !== null) {
      // Where the database is gone, the verification ends by itself.
      await queryRows(this.transactions.manager, 'SELECT pg_cancel_backend($1)', [this.backendPid]).catch(
        () => undefined,
      );
    }
    await this.task?.stop();
    await this.running?.catch(() => undefined);
  }

  /**
   * Verifies the whole ledger on one snapshot. One at a time in this process: who asks while one is running
   * gets the result of that one. Changes nothing.
   *
   * @throws DomainError verification_timed_out
   */
  async verify(): Promise<Verification> {
    for (;;) {
      const verification = await (this.running ?? this.start(false));
      if (verification !== null) return verification;
      if (this.stopping.signal.aborted) throw databaseUnavailable();
    }
  }

  /**
   * As {@link verify}, unless another replica is at it; every difference goes to the log.
   *
   * @returns null if it was not this one's turn
   */
  async verifyInTurn(): Promise<Verification | null> {
    const verification = await (this.running ?? this.start(true));
    for (const { finding, ...difference } of verification?.differences ?? []) {
      this.logger.error(difference, `The ledger is wrong: ${finding}`);
    }
    return verification;
  }

  private start(isOnlyInTurn: boolean): Promise<Verification | null> {
    this.running = this.run(isOnlyInTurn).finally(() => {
      this.running = null;
      this.backendPid = null;
    });
    return this.running;
  }

  private async run(isOnlyInTurn: boolean): Promise<Verification | null> {
    try {
      const verification = await this.withConnection((manager) => this.read(manager, isOnlyInTurn));
      if (verification !== null) this.metrics.verified(verification);
      return verification;
    } catch (error) {
      if (this.stopping.signal.aborted) return null;
      this.metrics.failed();
      throw sqlStateOf(error) === QUERY_CANCELED ? verificationTimedOut() : error;
    }
  }

  /** On a connection of its own: the pool's are for requests, and give up sooner. */
  private async withConnection<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const { databaseUrl, ledgerCheckTimeoutMs } = this.settings;
    if (databaseUrl === null) throw new Error('No database is configured.');
    const queryTimeoutMs = ledgerCheckTimeoutMs + DEAD_CONNECTION_MARGIN_MS;
    return withDataSource({ url: databaseUrl, poolSize: 1, queryTimeoutMs }, (dataSource) =>
      dataSource.transaction('REPEATABLE READ', work),
    );
  }

  private async read(manager: EntityManager, isOnlyInTurn: boolean): Promise<Verification | null> {
    const checkedAt = this.clock.now();
    const startedAt = performance.now();
    const [turn] = await queryRows<{ has_turn: boolean; pid: number }>(
      manager,
      'SELECT pg_try_advisory_xact_lock($1) AS has_turn, pg_backend_pid() AS pid',
      [TURN_LOCK],
    );
    if (isOnlyInTurn && turn?.has_turn !== true) return null;
    this.backendPid = turn?.pid ?? null;
    const differences = await verifyLedger(manager, {
      timeoutMs: this.settings.ledgerCheckTimeoutMs,
      signal: this.stopping.signal,
    });
    return {
      checkedAt,
      durationMs: Math.round(performance.now() - startedAt),
      checks: LEDGER_CHECKS.map(({ name }) => ({
        name,
        differences: differences.filter(({ check }) => check === name).length,
      })),
      differences,
    };
  }
}
