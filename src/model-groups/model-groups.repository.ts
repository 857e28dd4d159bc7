import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { violatesForeignKey, violatesUnique } from '../database/postgres-error.js';
import { queryRows } from '../database/rows.js';
import { ModelGroupModel } from './entities/model-group-model.entity.js';
import { ModelGroup } from './entities/model-group.entity.js';
import { TeamModelGroup } from './entities/team-model-group.entity.js';
import { modelGroupAlreadyExists, modelGroupInUse } from './model-groups.errors.js';
import type {
  GroupModel,
  ModelGroupChange,
  ModelGroupRecord,
  ModelGroupStatus,
  ResolvedModel,
  ResolvedModelGroup,
} from './model-groups.types.js';

/** A group of a team as a call finds it: whatever its state, with the models that are active. */
export interface GroupOfTeam extends ResolvedModelGroup {
  readonly status: ModelGroupStatus;
}

@Injectable()
export class ModelGroupsRepository {
  /** @throws DomainError model_group_already_exists */
  async insert(manager: EntityManager, group: ModelGroupRecord): Promise<void> {
    const { models, ...columns } = group;
    try {
      await manager.getRepository(ModelGroup).insert(columns);
    } catch (error) {
      if (violatesUnique(error, 'model_groups_group_name_key')) {
        throw modelGroupAlreadyExists(group.groupName);
      }
      throw error;
    }
    await this.insertModels(manager, group.modelGroupId, models);
  }

  async find(manager: EntityManager, groupName: string): Promise<ModelGroupRecord | null> {
    const group = await manager.getRepository(ModelGroup).findOneBy({ groupName });
    if (group === null) return null;
    const [record = null] = await this.withModels(manager, [group]);
    return record;
  }

  /**
   * Newest first.
   *
   * @param teamId for the groups of one team, or null for all
   * @param after the id after which the page begins, or null
   */
  async list(
    manager: EntityManager,
    teamId: string | null,
    after: string | null,
    limit: number,
  ): Promise<ModelGroupRecord[]> {
    const query = manager
      .getRepository(ModelGroup)
      .createQueryBuilder('model_group')
      .orderBy('model_group.modelGroupId', 'DESC')
      .limit(limit);
    if (after !== null) query.andWhere('model_group.modelGroupId < :after', { after });
    if (teamId !== null) {
      query.innerJoin(
        TeamModelGroup,
        'assigned',
        'assigned.modelGroupId = model_group.modelGroupId AND assigned.teamId = :teamId',
        { teamId },
      );
    }
    return this.withModels(manager, await query.getMany());
  }

  /** @returns the group's id, or null; others who would change the group wait for the transaction to end */
  async lock(manager: EntityManager, groupName: string): Promise<string | null> {
    const rows = await queryRows<{ model_group_id: string }>(
      manager,
      `SELECT model_group_id FROM model_groups WHERE group_name = $1 FOR NO KEY UPDATE`,
      [groupName],
    );
    return rows[0]?.model_group_id ?? null;
  }

  /** Changes a group that the caller has locked. */
  async update(
    manager: EntityManager,
    modelGroupId: string,
    change: ModelGroupChange,
    now: Date,
  ): Promise<void> {
    await manager.getRepository(ModelGroup).update({ modelGroupId }, { ...change, updatedAt: now });
  }

  /** Replaces the models of a group that the caller has locked. */
  async replaceModels(
    manager: EntityManager,
    modelGroupId: string,
    models: readonly GroupModel[],
  ): Promise<void> {
    await manager.getRepository(ModelGroupModel).delete({ modelGroupId });
    await this.insertModels(manager, modelGroupId, models);
  }

  /** @returns whether there was such a group. @throws DomainError model_group_in_use */
  async delete(manager: EntityManager, groupName: string): Promise<boolean> {
    try {
      const result = await manager.getRepository(ModelGroup).delete({ groupName });
      return result.affected === 1;
    } catch (error) {
      if (violatesForeignKey(error, 'team_model_groups_model_group_id_fkey'))
        throw modelGroupInUse(groupName);
      throw error;
    }
  }

  /** The ids of those names that exist. The groups cannot be deleted until the transaction ends. */
  async findIds(manager: EntityManager, groupNames: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await queryRows<{ group_name: string; model_group_id: string }>(
      manager,
      `SELECT group_name, model_group_id FROM model_groups WHERE group_name = ANY($1::varchar[])
        ORDER BY model_group_id FOR KEY SHARE`,
      [groupNames],
    );
    return new Map(rows.map((row) => [row.group_name, row.model_group_id]));
  }

  /**
   * Replaces the groups of a team, whose row the caller has locked.
   *
   * @param modelGroupIds in the order of preference; the first is the team's default
   */
  async replaceAssignments(
    manager: EntityManager,
    teamId: string,
    modelGroupIds: readonly string[],
  ): Promise<void> {
    const repository = manager.getRepository(TeamModelGroup);
    await repository.delete({ teamId });
    if (modelGroupIds.length === 0) return;
    await repository.insert(
      modelGroupIds.map((modelGroupId, position) => ({ teamId, modelGroupId, position })),
    );
  }

  /** The names of the groups of teams, each team's default first. */
  async listNamesOfTeams(
    manager: EntityManager,
    teamIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await queryRows<{ team_id: string; group_names: string[] }>(
      manager,
      `SELECT team_id, array_agg(group_name ORDER BY position) AS group_names
         FROM team_model_groups JOIN model_groups USING (model_group_id)
        WHERE team_id = ANY($1::varchar[]) GROUP BY team_id`,
      [teamIds],
    );
    return new Map(rows.map((row) => [row.team_id, row.group_names]));
  }

  /**
   * The named group of a team, or its first one, with its active models in order.
   *
   * @param groupName null for the team's default
   */
  async findForTeam(
    manager: EntityManager,
    teamId: string,
    groupName: string | null,
  ): Promise<GroupOfTeam | null> {
    const rows = await queryRows<{ group_name: string; status: ModelGroupStatus; models: ResolvedModel[] }>(
      manager,
      `SELECT model_groups.group_name, model_groups.status,
              ARRAY(SELECT json_build_object('modelName', model_name, 'priority', priority, 'weight', weight)
                      FROM model_group_models
                     WHERE model_group_models.model_group_id = model_groups.model_group_id AND is_active
                     ORDER BY priority, model_group_models.position) AS models
         FROM team_model_groups JOIN model_groups USING (model_group_id)
        WHERE team_id = $1 AND ($2::varchar IS NULL OR group_name = $2)
        ORDER BY team_model_groups.position LIMIT 1`,
      [teamId, groupName],
    );
    const row = rows[0];
    return row === undefined ? null : { groupName: row.group_name, status: row.status, models: row.models };
  }

  private async insertModels(
    manager: EntityManager,
    modelGroupId: string,
    models: readonly GroupModel[],
  ): Promise<void> {
    await manager
      .getRepository(ModelGroupModel)
      .insert(models.map((model, position) => ({ ...model, position, modelGroupId })));
  }

  private async withModels(
    manager: EntityManager,
    groups: readonly ModelGroup[],
  ): Promise<ModelGroupRecord[]> {
    const models = await manager.getRepository(ModelGroupModel).find({
      where: { modelGroupId: In(groups.map((group) => group.modelGroupId)) },
      order: { position: 'ASC' },
    });
    const modelsOfGroup = Map.groupBy(models, (model) => model.modelGroupId);
    return groups.map((group) => ({ ...group, models: modelsOfGroup.get(group.modelGroupId) ?? [] }));
  }
}
