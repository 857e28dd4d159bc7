import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { invalidField } from '../common/domain-error.js';
import { newId } from '../common/identifiers.js';
import { decodeCursor, type Page, type PageRequest, toPage } from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import {
  modelGroupForbidden,
  modelGroupInactive,
  modelGroupNotFound,
  noModelGroup,
} from './model-groups.errors.js';
import { ModelGroupsRepository } from './model-groups.repository.js';
import type {
  GroupModel,
  ModelGroupChange,
  ModelGroupRecord,
  ResolvedModelGroup,
} from './model-groups.types.js';

@Injectable()
export class ModelGroupsService {
  constructor(
    private readonly repository: ModelGroupsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * @param input models in any order; they are kept by priority, equals as given
   * @param manager of the caller's transaction, or one is opened
   * @throws DomainError model_group_already_exists, validation_failed
   */
  async create(
    input: {
      groupName: string;
      displayName: string;
      description: string | null;
      models: readonly GroupModel[];
    },
    manager?: EntityManager,
  ): Promise<ModelGroupRecord> {
    const now = this.clock.now();
    const group: ModelGroupRecord = {
      ...input,
      modelGroupId: newId(),
      status: 'active',
      models: inOrder(input.models, 'models'),
      createdAt: now,
      updatedAt: now,
    };
    if (manager !== undefined) await this.repository.insert(manager, group);
    else await this.transactions.run((own) => this.repository.insert(own, group));
    return group;
  }

  /** @throws DomainError model_group_not_found */
  async get(groupName: string, manager?: EntityManager): Promise<ModelGroupRecord> {
    if (manager === undefined) return this.transactions.read((snapshot) => this.get(groupName, snapshot));
    const group = await this.repository.find(manager, groupName);
    if (group === null) throw modelGroupNotFound(groupName);
    return group;
  }

  /** All groups, or those of one team, newest first. @throws DomainError validation_failed */
  async list(teamId: string | null, { cursor, limit }: PageRequest): Promise<Page<ModelGroupRecord>> {
    const after = cursor === null ? null : decodeCursor(cursor);
    const rows = await this.transactions.read((manager) =>
      this.repository.list(manager, teamId, after, limit + 1),
    );
    return toPage(rows, limit, (group) => group.modelGroupId);
  }

  /** Changes what is given and leaves the rest. @throws DomainError model_group_not_found */
  async update(groupName: string, change: ModelGroupChange): Promise<ModelGroupRecord> {
    return this.change(groupName, (manager, modelGroupId) =>
      this.repository.update(manager, modelGroupId, change, this.clock.now()),
    );
  }

  /**
   * Replaces all models of a group. Calls that run go on with the models that they began with.
   *
   * @throws DomainError model_group_not_found, validation_failed
   */
  async setModels(groupName: string, models: readonly GroupModel[]): Promise<ModelGroupRecord> {
    const ordered = inOrder(models, 'body');
    return this.change(groupName, async (manager, modelGroupId) => {
      await this.repository.replaceModels(manager, modelGroupId, ordered);
      await this.repository.update(manager, modelGroupId, {}, this.clock.now());
    });
  }

  /** @throws DomainError model_group_not_found, model_group_in_use while a team has it */
  async delete(groupName: string): Promise<void> {
    if (!(await this.repository.delete(this.transactions.manager, groupName))) {
      throw modelGroupNotFound(groupName);
    }
  }

  /**
   * Gives a team its groups in place of those that it had, in the caller's transaction, which has locked
   * the team.
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
    await this.repository.replaceAssignments(manager, teamId, modelGroupIds);
  }

  /** The names of the groups of teams, each team's default first; teams without groups are left out. */
  async listNamesOfTeams(
    teamIds: readonly string[],
    manager = this.transactions.manager,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.repository.listNamesOfTeams(manager, teamIds);
  }

  /** Whether calls of the team may name the group right now. */
  async isUsableBy(teamId: string, groupName: string): Promise<boolean> {
    const group = await this.repository.findForTeam(this.transactions.manager, teamId, groupName);
    return group?.status === 'active';
  }

  /**
   * The models behind a group, for a call of the team.
   *
   * @param groupName null for the team's default group
   * @param isAdmin an admin is told when a group does not exist; a team gets one answer for both
   * @throws DomainError model_group_forbidden, model_group_inactive, model_group_not_found
   */
  async resolveForTeam(
    manager: EntityManager,
    teamId: string,
    groupName: string | null,
    isAdmin: boolean,
  ): Promise<ResolvedModelGroup> {
    const group = await this.repository.findForTeam(manager, teamId, groupName);
    if (group?.status === 'active') return group;
    if (group !== null) throw modelGroupInactive(group.groupName);
    if (groupName === null) throw noModelGroup();
    if (isAdmin) await this.get(groupName, manager);
    throw modelGroupForbidden(groupName);
  }

  private async change(
    groupName: string,
    work: (manager: EntityManager, modelGroupId: string) => Promise<void>,
  ): Promise<ModelGroupRecord> {
    return this.transactions.run(async (manager) => {
      const modelGroupId = await this.repository.lock(manager, groupName);
      if (modelGroupId === null) throw modelGroupNotFound(groupName);
      await work(manager, modelGroupId);
      return this.get(groupName, manager);
    });
  }
}

/**
 * In the order in which they are tried.
 *
 * @throws DomainError validation_failed if no model is active: a group is switched off by its status
 */
function inOrder(models: readonly GroupModel[], field: string): GroupModel[] {
  if (!models.some((model) => model.isActive)) {
    throw invalidField(field, 'no_active_model', 'must hold a model that is active');
  }
  return models.toSorted((first, second) => first.priority - second.priority);
}
