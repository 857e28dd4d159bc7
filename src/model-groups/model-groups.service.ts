import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { newId } from '../common/identifiers.js';
import { Transactions } from '../database/transactions.js';
import { modelGroupForbidden, modelGroupNotFound, noModelGroup } from './model-groups.errors.js';
import { ModelGroupsRepository } from './model-groups.repository.js';
import type { GroupModel, ModelGroupRecord, ResolvedModelGroup } from './model-groups.types.js';

@Injectable()
export class ModelGroupsService {
  constructor(
    private readonly repository: ModelGroupsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * @param input models in any order; they are kept by priority, equals as given
   * @throws DomainError model_group_already_exists
   */
  async create(input: {
    groupName: string;
    displayName: string;
    description: string | null;
    models: readonly GroupModel[];
  }): Promise<ModelGroupRecord> {
    const now = this.clock.now();
    const group: ModelGroupRecord = {
      ...input,
      modelGroupId: newId(),
      models: input.models.toSorted((first, second) => first.priority - second.priority),
      createdAt: now,
      updatedAt: now,
    };
    await this.transactions.run((manager) => this.repository.insert(manager, group));
    return group;
  }

  /** @throws DomainError model_group_not_found */
  async get(groupName: string): Promise<ModelGroupRecord> {
    const group = await this.repository.find(this.transactions.manager, groupName);
    if (group === null) throw modelGroupNotFound(groupName);
    return group;
  }

  /**
   * Assigns groups to a new team, in the transaction that creates it.
   *
   * @param groupNames without repetition; the first is the team's default
   * @throws DomainError model_group_not_found
   */
  async assign(manager: EntityManager, teamId: string, groupNames: readonly string[]): Promise<void> {
    const ids = await this.repository.findIds(manager, groupNames);
    const modelGroupIds = groupNames.map((groupName) => {
      const id = ids.get(groupName);
      if (id === undefined) throw modelGroupNotFound(groupName);
      return id;
    });
    if (modelGroupIds.length > 0) await this.repository.assign(manager, teamId, modelGroupIds);
  }

  /** The names of a team's groups, its default first. */
  async listNamesOfTeam(teamId: string, manager = this.transactions.manager): Promise<string[]> {
    return this.repository.listNamesOfTeam(manager, teamId);
  }

  /**
   * The models behind a group, for a call of the team.
   *
   * @param groupName null for the team's default group
   * @param isAdmin an admin is told when a group does not exist; a team gets one answer for both
   * @throws DomainError model_group_forbidden, model_group_not_found
   */
  async resolveForTeam(
    manager: EntityManager,
    teamId: string,
    groupName: string | null,
    isAdmin: boolean,
  ): Promise<ResolvedModelGroup> {
    const group = await this.repository.findForTeam(manager, teamId, groupName);
    if (group !== null) return group;
    if (groupName === null) throw noModelGroup();
    if (isAdmin && !(await this.repository.exists(manager, groupName))) throw modelGroupNotFound(groupName);
    throw modelGroupForbidden(groupName);
  }
}
