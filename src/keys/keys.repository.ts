import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { VirtualKey } from './entities/virtual-key.entity.js';
import type { KeyIdentity } from './keys.types.js';

@Injectable()
export class KeysRepository {
  async insert(
    manager: EntityManager,
    key: { keyId: string; teamId: string; keyHash: Buffer; createdAt: Date },
  ): Promise<void> {
    await manager.getRepository(VirtualKey).insert({ ...key, revokedAt: null });
  }

  async findByHash(manager: EntityManager, keyHash: Buffer): Promise<KeyIdentity | null> {
    return manager
      .getRepository(VirtualKey)
      .findOne({ select: { keyId: true, teamId: true }, where: { keyHash, revokedAt: IsNull() } });
  }

  async revokeAll(manager: EntityManager, teamId: string, revokedAt: Date): Promise<void> {
    await manager.getRepository(VirtualKey).update({ teamId, revokedAt: IsNull() }, { revokedAt });
  }

  async isUsable(manager: EntityManager, keyId: string): Promise<boolean> {
    return manager.getRepository(VirtualKey).existsBy({ keyId, revokedAt: IsNull() });
  }
}
