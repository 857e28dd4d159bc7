import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Cipher } from '../common/cipher.js';
import { Clock } from '../common/clock.js';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { Transactions } from '../database/transactions.js';
import { messagesNotFound } from './llm-calls.errors.js';
import type { CallMessages, CallName, Messages } from './llm-calls.types.js';
import { StoredMessagesRepository } from './stored-messages.repository.js';

const PURPOSE = 'call messages 1';

/** Keeps what calls asked and what they were answered, encrypted and for a time, if the operator wants that. */
@Injectable()
export class StoredMessagesService {
  private readonly cipher: Cipher;

  constructor(
    private readonly repository: StoredMessagesRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.cipher = new Cipher(settings.encryptionKey, PURPOSE);
  }

  /** See {@link LlmCallsService.storeMessages}. */
  async store(manager: EntityManager, call: CallName, messages: Messages): Promise<void> {
    if (!this.settings.mayStoreMessages) return;
    const { teamId, jobId, callId } = call;
    const createdAt = this.clock.now();
    await this.repository.insert(manager, {
      teamId,
      jobId,
      callId,
      content: this.encrypt(call, messages),
      createdAt,
      expiresAt: new Date(createdAt.getTime() + this.settings.messagesTtlMs),
    });
  }

  /** Also what was stored before the setting was switched off. @throws DomainError messages_not_found */
  async get(call: CallName): Promise<CallMessages> {
    const stored = await this.repository.find(this.transactions.manager, call, this.clock.now());
    if (stored === null || stored.content === null) throw messagesNotFound();
    const plain = this.cipher.decrypt(stored.content, placeOf(stored));
    if (plain === null) throw messagesNotFound();
    const { request, answer } = JSON.parse(plain.toString('utf8')) as Messages;
    const { teamId, jobId, callId, createdAt, expiresAt } = stored;
    return { teamId, jobId, callId, request, answer, createdAt, expiresAt };
  }

  /** Deletes what has expired. Safe on several replicas. @returns how many rows this process deleted */
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

  /** @returns null for messages that are too large to be kept */
  private encrypt(call: CallName, { request, answer }: Messages): Buffer | null {
    const plain = Buffer.from(JSON.stringify({ request, answer }));
    return plain.length > this.settings.messagesMaxBytes ? null : this.cipher.encrypt(plain, placeOf(call));
  }
}

function placeOf({ teamId, jobId, callId }: CallName): string[] {
  return [teamId, jobId, callId];
}
