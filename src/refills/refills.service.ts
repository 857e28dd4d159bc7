import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { monthOf } from '../common/time.js';
import { CreditsService, type Granted } from '../credits/credits.service.js';
import { newGrant } from '../credits/credits.types.js';
import { Transactions } from '../database/transactions.js';
import { creditsOfMonth, dueRefill } from './refill-rules.js';
import { RefillsRepository } from './refills.repository.js';
import { type DueRefill, NO_REFILLS, type RefillTerms, type TeamRefills } from './refills.types.js';

/**
 * Credits that are granted by themselves. Lock order: the row of the team's refills, then its account; so of
 * several replicas one makes a refill, and the settings do not change while it does.
 */
@Injectable()
export class RefillsService {
  constructor(
    private readonly repository: RefillsRepository,
    private readonly credits: CreditsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Of a team about which nothing was said, that nothing is refilled. @throws DomainError team_not_found */
  async get(teamId: string, manager = this.transactions.manager): Promise<TeamRefills> {
    const refills = await this.repository.find(manager, teamId);
    if (refills !== null) return refills;
    await this.credits.readBalance(manager, teamId);
    return {
      ...NO_REFILLS,
      teamId,
      periodReference: null,
      thresholdRefills: 0,
      month: null,
      monthCredits: 0,
      lastRefillAt: null,
      updatedAt: this.clock.now(),
    };
  }

  /**
   * Replaces the terms of a team's refills. What was refilled stays counted: neither a period nor the credits of a
   * month begin anew. Idempotent.
   *
   * @throws DomainError team_not_found, team_deleted
   */
  async configure(teamId: string, terms: RefillTerms): Promise<void> {
    await this.transactions.run(async (manager) => {
      await this.credits.readBalance(manager, teamId);
      await this.repository.saveTerms(manager, teamId, terms, this.clock.now());
      await this.credits.lockOpenAccount(manager, teamId);
    });
  }

  /**
   * Makes the refill that is due, if one is. Safe on several replicas: it is decided under the lock of the row,
   * and a team whose row another one has locked is left to it. A deleted team is switched off.
   *
   * @returns whether a refill was made
   */
  async refill(teamId: string): Promise<boolean> {
    return this.transactions.run(async (manager) => {
      const refills = await this.repository.tryLock(manager, teamId);
      if (refills === null) return false;
      const { available } = await this.credits.readBalance(manager, teamId);
      const now = this.clock.now();
      const due = dueRefill(refills, available, now);
      return due !== null && this.make(manager, refills, due, monthOf(now));
    });
  }

  /** Teams of a batch whose refill is due as far as can be seen without a lock. */
  async listDue(after: string, limit: number): Promise<{ due: string[]; next: string | null }> {
    const manager = this.transactions.manager;
    const batch = await this.repository.listEnabled(manager, after, limit);
    const balances = await this.credits.listBalances(
      batch.map(({ teamId }) => teamId),
      manager,
    );
    const now = this.clock.now();
    const due = batch.filter(
      (refills) => dueRefill(refills, balances.get(refills.teamId)?.available ?? 0, now) !== null,
    );
    const last = batch.at(-1)?.teamId ?? null;
    return { due: due.map(({ teamId }) => teamId), next: batch.length < limit ? null : last };
  }

  private async make(
    manager: EntityManager,
    refills: TeamRefills,
    due: DueRefill,
    month: string,
  ): Promise<boolean> {
    const { teamId } = refills;
    const granted = await this.grant(manager, teamId, due);
    if (granted === 'team_deleted') {
      await this.repository.update(manager, teamId, { isEnabled: false });
      return false;
    }
    // The settings may have gone from one kind of period to another and back: this one was refilled before.
    if (granted === 'external_reference_conflict' || granted.isReplay) {
      await this.repository.update(manager, teamId, { periodReference: due.reference });
      return false;
    }
    const { createdAt } = granted.grant;
    if (monthOf(createdAt) !== month) {
      throw new Error(`The month ended while team ${teamId} was refilled.`);
    }
    await this.repository.update(manager, teamId, {
      month,
      monthCredits: creditsOfMonth(refills, month) + due.credits,
      lastRefillAt: createdAt,
      ...(due.trigger === 'period'
        ? { periodReference: due.reference }
        : { thresholdRefills: refills.thresholdRefills + 1 }),
    });
    return true;
  }

  private async grant(
    manager: EntityManager,
    teamId: string,
    { credits, reason, reference }: DueRefill,
  ): Promise<Granted | 'team_deleted' | 'external_reference_conflict'> {
    try {
      return await this.credits.grant(
        manager,
        teamId,
        newGrant({ credits, kind: 'refill', reason, externalReference: reference }),
      );
    } catch (error) {
      const code = error instanceof DomainError ? error.code : null;
      if (code === 'team_deleted' || code === 'external_reference_conflict') return code;
      throw error;
    }
  }
}
