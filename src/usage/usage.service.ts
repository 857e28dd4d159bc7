import { Injectable } from '@nestjs/common';
import { teamNotFound } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import type { Interval } from '../common/time.js';
import { Transactions } from '../database/transactions.js';
import { UsageRepository } from './usage.repository.js';
import type { JobTypeUsage } from './usage.types.js';

@Injectable()
export class UsageService {
  constructor(
    private readonly repository: UsageRepository,
    private readonly transactions: Transactions,
  ) {}

  /**
   * What a team's jobs that ended in the period used, and whether the caller may see what they cost.
   *
   * @throws DomainError team_not_found
   */
  async getTeamUsage(
    principal: Principal,
    teamId: string,
    period: Interval,
  ): Promise<{ jobTypes: JobTypeUsage[]; hasCosts: boolean }> {
    const visibility = await this.repository.findCostVisibility(this.transactions.manager, teamId);
    if (visibility === null) throw teamNotFound(teamId);
    return {
      jobTypes: await this.repository.sumByJobType(this.transactions.manager, teamId, period),
      hasCosts: principal.role === 'admin' || visibility === 'summary',
    };
  }
}
