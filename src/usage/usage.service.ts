import { Injectable } from '@nestjs/common';
import { organizationNotFound, teamNotFound } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import type { Interval } from '../common/time.js';
import { Transactions } from '../database/transactions.js';
import { UsageRepository } from './usage.repository.js';
import type { Dashboard, JobTypeUsage, TeamUsage } from './usage.types.js';

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

  /** One entry per team with jobs that ended in the period. @throws DomainError organization_not_found */
  async getOrganizationUsage(organizationId: string, period: Interval): Promise<TeamUsage[]> {
    const manager = this.transactions.manager;
    if (!(await this.repository.hasOrganization(manager, organizationId))) {
      throw organizationNotFound(organizationId);
    }
    return this.repository.sumByTeam(manager, organizationId, period);
  }

  /** What there is right now, over all organizations. */
  async getDashboard(): Promise<Dashboard> {
    return this.repository.countAll(this.transactions.manager);
  }
}
