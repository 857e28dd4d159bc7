import { Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { CreditRefill } from './entities/credit-refill.entity.js';
import type { RefillTerms, TeamRefills } from './refills.types.js';

@Injectable()
export class RefillsRepository {
  async find(manager: EntityManager, teamId: string): Promise<TeamRefills | null> {
    return manager.getRepository(CreditRefill).findOneBy({ teamId });
  }

  /** Replaces the terms and keeps what has come of them. The row is locked until the transaction ends. */
  async saveTerms(manager: EntityManager, teamId: string, terms: RefillTerms, now: Date): Promise<void> {
    const repository = manager.getRepository(CreditRefill);
    await repository
      .createQueryBuilder()
      .insert()
      .values({ teamId, ...terms, thresholdRefills: 0, monthCredits: 0, updatedAt: now })
      .orUpdate(
        ['is_enabled', 'refill_amount', 'refill_period', 'refill_threshold', 'monthly_ceiling', 'updated_at'],
        ['team_id'],
      )
      .execute();
  }

  /** Those that are enabled, by team. @param after the team after which the batch begins */
  async listEnabled(manager: EntityManager, after: string, limit: number): Promise<TeamRefills[]> {
    return manager.getRepository(CreditRefill).find({
      where: { isEnabled: true, teamId: MoreThan(after) },
      order: { teamId: 'ASC' },
      take: limit,
    });
  }

  /** Locks the row until the transaction ends. @returns null if another transaction has it, or there is none */
  async tryLock(manager: EntityManager, teamId: string): Promise<TeamRefills | null> {
    return manager.getRepository(CreditRefill).findOne({
      where: { teamId },
      lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
    });
  }

  /** Changes a row that the caller has locked. */
  async update(
    manager: EntityManager,
    teamId: string,
    change: Partial<Omit<TeamRefills, 'teamId'>>,
  ): Promise<void> {
    await manager.getRepository(CreditRefill).update({ teamId }, change);
  }
}
