import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transactions.js';
import { OrganizationsService } from '../organizations/organizations.service.js';
import type { OrganizationRecord } from '../organizations/organizations.types.js';
import { type CreatedTeam, type NewTeam, TeamsService } from './teams.service.js';

/** Creates an organization, and with it the team that many of them begin with. */
@Injectable()
export class OrganizationSetupService {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly teams: TeamsService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * In one transaction: if the team cannot be created, there is no organization either.
   *
   * @throws DomainError organization_already_exists, team_already_exists, model_group_not_found
   */
  async create(
    organization: { organizationId: string; name: string; metadata: object },
    defaultTeam: NewTeam | null,
  ): Promise<{ organization: OrganizationRecord; defaultTeam: CreatedTeam | null }> {
    return this.transactions.run(async (manager) => ({
      organization: await this.organizations.create(organization, manager),
      defaultTeam: defaultTeam === null ? null : await this.teams.createWithin(manager, defaultTeam),
    }));
  }
}
