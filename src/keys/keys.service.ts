import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { newId } from '../common/identifiers.js';
import { Transactions } from '../database/transactions.js';
import { generateKey, hashKey, isWellFormedKey } from './key-format.js';
import { KeysRepository } from './keys.repository.js';
import type { KeyIdentity } from './keys.types.js';

@Injectable()
export class KeysService {
  constructor(
    private readonly repository: KeysRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Issues a key in the caller's transaction. It is returned here and never again: only its hash is kept. */
  async issue(manager: EntityManager, teamId: string): Promise<string> {
    const key = generateKey();
    await this.repository.insert(manager, {
      keyId: newId(),
      teamId,
      keyHash: hashKey(key),
      createdAt: this.clock.now(),
    });
    return key;
  }

  /** Whose key this is; null for one that is malformed, unknown or revoked. */
  async findIdentity(key: string): Promise<KeyIdentity | null> {
    if (!isWellFormedKey(key)) return null;
    return this.repository.findByHash(this.transactions.manager, hashKey(key));
  }

  /** Revokes every key of a team in the caller's transaction. */
  async revokeAll(manager: EntityManager, teamId: string): Promise<void> {
    await this.repository.revokeAll(manager, teamId, this.clock.now());
  }

  /** Whether a key that the guard let in has been revoked since, in the caller's transaction. */
  async isUsable(manager: EntityManager, keyId: string): Promise<boolean> {
    return this.repository.isUsable(manager, keyId);
  }
}
