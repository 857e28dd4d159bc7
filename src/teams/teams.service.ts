import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { teamNotFound } from '../common/access.errors.js';
import { Clock } from '../common/clock.js';
import { CreditsService } from '../credits/credits.service.js';
import type { CreditBalance } from '../credits/credits.types.js';
import { Transactions } from '../database/transactions.js';
import { KeysService } from '../keys/keys.service.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import { OrganizationsService } from '../organizations/organizations.service.js';
import { teamSuspended } from './teams.errors.js';
import { TeamsRepository } from './teams.repository.js';
import type { CostVisibility, TeamRecord, TeamStatus } from './teams.types.js';

/** A team with what the other modules keep of it. */
export interface TeamOverview {
  readonly team: TeamRecord;
  readonly modelGroups: readonly string[];
  readonly balance: CreditBalance;
}

export interface NewTeam {
  readonly organizationId: string;
  readonly teamId: string;
  readonly teamAlias: string | null;
  readonly modelGroups: readonly string[];
  readonly credits: number;
  readonly costVisibility: CostVisibility;
  readonly metadata: object;
}

@Injectable()
export class TeamsService {
  constructor(
    private readonly repository: TeamsRepository,
    private readonly organizations: OrganizationsService,
    private readonly modelGroups: ModelGroupsService,
    private readonly credits: CreditsService,
    private readonly keys: KeysService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates the team, its account, its first grant, its groups and its first key in one transaction.
   *
   * @returns the team and its virtual key, which is not to be had again
   * @throws DomainError organization_not_found, model_group_not_found, team_already_exists
   */
  async create(input: NewTeam): Promise<TeamOverview & { virtualKey: string }> {
    return this.transactions.run(async (manager) => {
      await this.organizations.get(input.organizationId, manager);
      const now = this.clock.now();
      const team: TeamRecord = {
        teamId: input.teamId,
        organizationId: input.organizationId,
        teamAlias: input.teamAlias,
        status: 'active',
        costVisibility: input.costVisibility,
        metadata: input.metadata,
        createdAt: now,
        updatedAt: now,
      };
      await this.repository.insert(manager, team);
      await this.credits.openAccount(manager, team.teamId);
      if (input.credits > 0) {
        await this.credits.grant(manager, team.teamId, input.credits, 'Initial allocation');
      }
      await this.modelGroups.assign(manager, team.teamId, input.modelGroups);
      const virtualKey = await this.keys.issue(manager, team.teamId);
      const balance = await this.credits.getBalance(team.teamId, manager);
      return { team, modelGroups: input.modelGroups, balance, virtualKey };
    });
  }

  /** @throws DomainError team_not_found */
  async getOverview(teamId: string): Promise<TeamOverview> {
    const team = await this.get(teamId);
    const [modelGroups, balance] = await Promise.all([
      this.modelGroups.listNamesOfTeam(teamId),
      this.credits.getBalance(teamId),
    ]);
    return { team, modelGroups, balance };
  }

  /** @throws DomainError team_not_found */
  async get(teamId: string, manager = this.transactions.manager): Promise<TeamRecord> {
    const team = await this.repository.find(manager, teamId);
    if (team === null) throw teamNotFound(teamId);
    return team;
  }

  /**
   * The team of a new job or call. Read in the transaction that admits it, so that a suspension takes
   * effect on every replica with the next request.
   *
   * @throws DomainError team_not_found, team_suspended
   */
  async getActive(manager: EntityManager, teamId: string): Promise<TeamRecord> {
    const team = await this.get(teamId, manager);
    if (team.status === 'suspended') throw teamSuspended();
    return team;
  }

  /**
   * Suspends or resumes a team. Idempotent.
   *
   * @throws DomainError team_not_found
   */
  async setStatus(teamId: string, status: TeamStatus): Promise<void> {
    const isFound = await this.repository.updateStatus(
      this.transactions.manager,
      teamId,
      status,
      this.clock.now(),
    );
    if (!isFound) throw teamNotFound(teamId);
  }
}
