import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { callInterrupted } from '../common/general.errors.js';
import { newId } from '../common/identifiers.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { AnswerCipher } from './answer-cipher.js';
import { ClaimLeases } from './claim-leases.js';
import {
  idempotencyInProgress,
  idempotencyKeyReused,
  idempotentAnswerTooLarge,
  idempotentAnswerUnreadable,
} from './idempotency.errors.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import type { Answer, FoundKey, KeyedRequest, KeyedWork, KeyScope, Outcome } from './idempotency.types.js';
import { isStored } from './stored-errors.js';

/** Carries requests with a key out once, and answers their repetitions. */
@Injectable()
export class IdempotencyService {
  private readonly logger = new Logger(IdempotencyService.name);
  private readonly cipher: AnswerCipher;

  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly leases: ClaimLeases,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.cipher = new AnswerCipher(settings.encryptionKey);
  }

  /**
   * Carries out a request that touches the database only: effect and answer are committed together, or
   * neither is. The work may run more than once, but takes effect once.
   *
   * @throws DomainError idempotency_in_progress, idempotency_key_reused, idempotent_answer_too_large,
   * idempotent_answer_unreadable, and whatever the work throws that is not stored
   */
  async runInTransaction(request: KeyedRequest, work: KeyedWork): Promise<Outcome> {
    return this.transactions.runRequest(async (manager) => {
      // Nobody waits for the lock: many repetitions at once would hold all connections of the pool.
      if (!(await this.repository.tryLock(manager, lockOf(request)))) throw idempotencyInProgress();
      // A statement of its own, whose snapshot is younger than the lock.
      const found = await this.repository.find(manager, request, this.clock.now());
      if (found !== null) return this.replay(request, found);
      const { outcome, answer } = await this.carryOut(() => manager.transaction(work.handle), work);
      const isInserted = await this.repository.insertAnswer(manager, request, {
        answer: this.encrypt(answer, request),
        ...this.times(),
      });
      // Only another clock can come to this: the row was expired for us and is not for the one who wrote it.
      if (!isInserted) throw idempotencyInProgress();
      return outcome;
    });
  }

  /**
   * Carries out a request that leaves for a provider: the key is claimed in a commit of its own before, so
   * that a process that dies leaves a trace, and nothing is sent again.
   *
   * @throws DomainError as {@link runInTransaction}, and call_interrupted
   */
  async runWithLease(request: KeyedRequest, work: KeyedWork): Promise<Outcome> {
    const claimId = newId();
    const found = await this.claim(request, claimId);
    if (found !== null) return this.replay(request, found);
    return this.leases.during(claimId, async () => {
      try {
        const { outcome, answer } = await this.carryOut(work.handle, work);
        await this.store(request, claimId, answer);
        return outcome;
      } catch (error) {
        // Who refuses on purpose knows that nothing has left. A bug may have come after the sending, so the
        // claim stays: released, the same key would spend twice.
        if (error instanceof DomainError) await this.release(request, claimId);
        throw error;
      }
    });
  }

  /** Deletes expired rows. Safe on several replicas. @returns how many this process deleted */
  async sweep(batchSize: number): Promise<number> {
    let deleted = 0;
    for (;;) {
      const count = await this.repository.deleteExpired(
        this.transactions.manager,
        this.clock.now(),
        batchSize,
      );
      deleted += count;
      if (count < batchSize) return deleted;
    }
  }

  /** @returns null if the key is ours now, else what is there */
  private async claim(request: KeyedRequest, claimId: string): Promise<FoundKey | null> {
    const { manager } = this.transactions;
    const { callLeaseMs: leaseMs } = this.settings;
    const times = this.times();
    if (await this.repository.insertClaim(manager, request, { claimId, leaseMs, ...times })) return null;
    const found = await this.repository.find(manager, request, times.now);
    // Released between the two statements.
    if (found === null) throw idempotencyInProgress();
    return found;
  }

  /** @throws what is not stored */
  private async carryOut(
    handle: () => Promise<Answer>,
    { answerOf }: KeyedWork,
  ): Promise<{ outcome: Outcome; answer: Answer }> {
    try {
      const answer = await handle();
      return { outcome: { kind: 'answer', answer, isReplay: false }, answer };
    } catch (error) {
      if (!(error instanceof DomainError) || !isStored(error)) throw error;
      return { outcome: { kind: 'error', error }, answer: answerOf(error) };
    }
  }

  private replay(request: KeyedRequest, found: FoundKey): Outcome {
    if (!found.fingerprint.equals(request.fingerprint)) throw idempotencyKeyReused();
    if (found.state === 'running') throw found.isLeaseRunning ? idempotencyInProgress() : callInterrupted();
    if (found.answer === null) throw idempotentAnswerTooLarge();
    const answer = this.cipher.decrypt(found.answer, request);
    if (answer === null) throw idempotentAnswerUnreadable();
    return { kind: 'answer', answer, isReplay: true };
  }

  /**
   * The call is on record, and its client shall have the answer that was paid for, also if it cannot be
   * kept: the claim then stays, and whoever asks again is told that it was interrupted.
   */
  private async store(request: KeyedRequest, claimId: string, answer: Answer): Promise<void> {
    try {
      const isStored = await this.repository.storeAnswer(this.transactions.manager, request, {
        claimId,
        answer: this.encrypt(answer, request),
        expiresAt: this.times().expiresAt,
      });
      if (!isStored) this.logger.warn(nameOf(request), 'The key of an answer was taken over meanwhile.');
    } catch (error) {
      this.logger.error({ ...nameOf(request), err: error }, 'The answer of a call could not be kept.');
    }
  }

  /** A claim that cannot be released forbids the request until it expires, which is safe. */
  private async release(request: KeyedRequest, claimId: string): Promise<void> {
    try {
      await this.repository.deleteClaim(this.transactions.manager, request, claimId);
    } catch (error) {
      this.logger.error({ ...nameOf(request), err: error }, 'The claim of a request could not be released.');
    }
  }

  /** @returns null for an answer that is too large to be kept */
  private encrypt(answer: Answer, request: KeyedRequest): Buffer | null {
    const isTooLarge = Buffer.byteLength(answer.body) > this.settings.idempotencyMaxAnswerBytes;
    return isTooLarge ? null : this.cipher.encrypt(answer, request);
  }

  private times(): { now: Date; expiresAt: Date } {
    const now = this.clock.now();
    return { now, expiresAt: new Date(now.getTime() + this.settings.idempotencyTtlMs) };
  }
}

/** 64 bits, so that two keys that are in use at once do not meet. */
function lockOf({ caller, route, key }: KeyScope): bigint {
  const digest = createHash('sha256')
    .update(JSON.stringify([caller, route, key]))
    .digest();
  return digest.readBigInt64BE();
}

/** For the log, without the key, which is the caller's own. */
function nameOf({ caller, route }: KeyScope): { caller: string; route: string } {
  return { caller, route };
}
