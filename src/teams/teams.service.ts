import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { teamDeleted, teamNotFound, unauthenticated } from '../common/access.errors.js';
import type { Principal } from '../common/access.js';
import { Clock } from '../common/clock.js';
import {
  decodeCreationCursor,
  encodeCreationCursor,
  type Page,
  type PageRequest,
  toPageBy,
} from '../common/pagination.js';
import { BudgetsService } from '../budgets/budgets.service.js';
import type { BudgetTerms, TeamBudget } from '../budgets/budgets.types.js';
import { CreditsService } from '../credits/credits.service.js';
import { type CreditBalance, newGrant } from '../credits/credits.types.js';
import { Transactions } from '../database/transactions.js';
import { KeysService } from '../keys/keys.service.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import { OrganizationsService } from '../organizations/organizations.service.js';
import { organizationSuspended, teamHasOpenJobs, teamSuspended } from './teams.errors.js';
import { TeamsRepository } from './teams.repository.js';
import type { CostVisibility, TeamChange, TeamFilter, TeamRecord } from './teams.types.js';

/** A team with what the other modules keep of it. */
export interface TeamOverview {
  readonly team: TeamRecord;
  readonly modelGroups: readonly string[];
  readonly balance: CreditBalance;
  readonly budget: TeamBudget;
}

export interface NewTeam {
  readonly organizationId: string;
  readonly teamId: string;
  readonly teamAlias: string | null;
  readonly modelGroups: readonly string[];
  readonly credits: number;
  readonly costVisibility: CostVisibility;
  /** What credits buy, where it is not the default. */
  readonly budget: Partial<BudgetTerms>;
  readonly metadata: object;
}

/** A new team, with the key that is shown this once. */
export interface CreatedTeam extends TeamOverview {
  readonly virtualKey: string;
}

@Injectable()
export class TeamsService {
  constructor(
    private readonly repository: TeamsRepository,
    private readonly organizations: OrganizationsService,
    private readonly modelGroups: ModelGroupsService,
    private readonly credits: CreditsService,
    private readonly budgets: BudgetsService,
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
  async create(input: NewTeam): Promise<CreatedTeam> {
    return this.transactions.run((manager) => this.createWithin(manager, input));
  }

  /** As {@link create}, in the caller's transaction. */
  async createWithin(manager: EntityManager, input: NewTeam): Promise<CreatedTeam> {
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
    const budget = await this.budgets.create(manager, team.teamId, input.budget);
    if (input.credits > 0) {
      await this.credits.grant(
        manager,
        team.teamId,
        newGrant({ credits: input.credits, kind: 'allocation', reason: 'Initial allocation' }),
      );
    }
    await this.modelGroups.assign(manager, team.teamId, input.modelGroups);
    const virtualKey = await this.keys.issue(manager, team.teamId);
    const balance = await this.credits.readBalance(manager, team.teamId);
    return { team, modelGroups: input.modelGroups, balance, budget, virtualKey };
  }

  /** Also a deleted team. @throws DomainError team_not_found */
  async getOverview(teamId: string, manager?: EntityManager): Promise<TeamOverview> {
    if (manager === undefined) {
      await this.credits.bookExpiries(teamId);
      return this.transactions.read((snapshot) => this.getOverview(teamId, snapshot));
    }
    const team = await this.get(teamId, manager);
    const modelGroups = await this.modelGroups.listNamesOfTeams([teamId], manager);
    const balance = await this.credits.readBalance(manager, teamId);
    const budget = await this.budgets.get(teamId, manager);
    return { team, modelGroups: modelGroups.get(teamId) ?? [], balance, budget };
  }

  /** Newest first. @throws DomainError organization_not_found, validation_failed */
  async list(filter: TeamFilter, page: PageRequest): Promise<Page<TeamOverview>> {
    return this.transactions.read((manager) => this.readPage(manager, filter, page));
  }

  /** The teams of an organization, newest first. @throws DomainError organization_not_found, validation_failed */
  async listOfOrganization(
    organizationId: string,
    page: PageRequest,
  ): Promise<{ teamCount: number; page: Page<TeamOverview> }> {
    return this.transactions.read(async (manager) => ({
      page: await this.readPage(manager, { organizationId, status: null }, page),
      teamCount: await this.repository.countOfOrganization(manager, organizationId),
    }));
  }

  /** @throws DomainError team_not_found */
  async get(teamId: string, manager = this.transactions.manager): Promise<TeamRecord> {
    const team = await this.repository.find(manager, teamId);
    if (team === null) throw teamNotFound(teamId);
    return team;
  }

  /**
   * Makes sure that new work may begin for a team. Read in the transaction that admits it, so that a
   * suspension takes effect on every replica with the next request.
   *
   * @param work a job keeps the team from being deleted until the transaction ends
   * @returns the team's organization
   * @throws DomainError team_not_found, team_deleted (a team key: unauthenticated), team_suspended,
   * organization_suspended
   */
  async admitWork(
    manager: EntityManager,
    principal: Principal,
    teamId: string,
    work: 'job' | 'call',
  ): Promise<{ organizationId: string }> {
    const team = await this.repository.findForWork(manager, teamId, work === 'job');
    if (team === null) throw teamNotFound(teamId);
    if (team.status === 'deleted') {
      // The deletion has revoked the key since the guard let it in.
      throw principal.role === 'team' ? unauthenticated() : teamDeleted(teamId);
    }
    if (team.status === 'suspended') throw teamSuspended();
    if (!team.isOrganizationActive) throw organizationSuspended();
    return team;
  }

  /**
   * Changes what is given and leaves the rest; suspends and resumes. Idempotent.
   *
   * @throws DomainError team_not_found, team_deleted
   */
  async update(
    teamId: string,
    change: Omit<TeamChange, 'status'> & { status?: 'active' | 'suspended' },
  ): Promise<TeamOverview> {
    return this.change(teamId, (manager) =>
      this.repository.update(manager, teamId, change, this.clock.now()),
    );
  }

  /** Replaces all groups of a team. @throws DomainError team_not_found, team_deleted, model_group_not_found */
  async setModelGroups(teamId: string, groupNames: readonly string[]): Promise<TeamOverview> {
    return this.change(teamId, async (manager) => {
      await this.modelGroups.assign(manager, teamId, groupNames);
      await this.repository.update(manager, teamId, {}, this.clock.now());
    });
  }

  /**
   * Deletes a team: its keys are revoked and its groups taken away, while its id stays taken, and its jobs,
   * costs and ledger stay readable for the admin. Idempotent.
   *
   * @param hasOpenJobs asked under a lock that keeps new jobs from beginning
   * @throws DomainError team_not_found, team_has_open_jobs
   */
  async delete(teamId: string, hasOpenJobs: (manager: EntityManager) => Promise<boolean>): Promise<void> {
    await this.transactions.run(async (manager) => {
      const team = await this.repository.lock(manager, teamId, 'deletion');
      if (team === null) throw teamNotFound(teamId);
      if (team.status === 'deleted') return;
      if (await hasOpenJobs(manager)) throw teamHasOpenJobs(teamId);
      await this.keys.revokeAll(manager, teamId);
      await this.modelGroups.assign(manager, teamId, []);
      await this.credits.closeAccount(manager, teamId);
      await this.repository.update(manager, teamId, { status: 'deleted' }, this.clock.now());
    });
  }

  private async change(
    teamId: string,
    work: (manager: EntityManager) => Promise<void>,
  ): Promise<TeamOverview> {
    return this.transactions.run(async (manager) => {
      const team = await this.repository.lock(manager, teamId, 'change');
      if (team === null) throw teamNotFound(teamId);
      if (team.status === 'deleted') throw teamDeleted(teamId);
      await work(manager);
      return this.getOverview(teamId, manager);
    });
  }

  private async readPage(
    manager: EntityManager,
    filter: TeamFilter,
    { cursor, limit }: PageRequest,
  ): Promise<Page<TeamOverview>> {
    const after = cursor === null ? null : decodeCreationCursor(cursor);
    if (filter.organizationId !== null) await this.organizations.get(filter.organizationId, manager);
    const rows = await this.repository.list(manager, filter, after, limit + 1);
    const page = toPageBy(rows, limit, ({ createdAt, teamId }) =>
      encodeCreationCursor({ createdAt, id: teamId }),
    );
    return { ...page, data: await this.withRest(manager, page.data) };
  }

  private async withRest(manager: EntityManager, teams: readonly TeamRecord[]): Promise<TeamOverview[]> {
    const teamIds = teams.map((team) => team.teamId);
    const modelGroups = await this.modelGroups.listNamesOfTeams(teamIds, manager);
    const balances = await this.credits.listBalances(teamIds, manager);
    const budgets = await this.budgets.list(teamIds, manager);
    return teams.map((team) => {
      const balance = balances.get(team.teamId);
      const budget = budgets.get(team.teamId);
      if (balance === undefined) throw new Error(`Team ${team.teamId} has no credit account.`);
      if (budget === undefined) throw new Error(`Team ${team.teamId} has no budget.`);
      return { team, modelGroups: modelGroups.get(team.teamId) ?? [], balance, budget };
    });
  }
}
