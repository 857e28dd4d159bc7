import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { violatesUnique } from '../database/postgres-error.js';
import { queryRows } from '../database/rows.js';
import { ModelGroupModel } from './entities/model-group-model.entity.js';
import { ModelGroup } from './entities/model-group.entity.js';
import { TeamModelGroup } from './entities/team-model-group.entity.js';
import { modelGroupAlreadyExists } from './model-groups.errors.js';
import type { ModelGroupRecord } from './model-groups.types.js';

@Injectable()
export class ModelGroupsRepository {
  /** @throws DomainError model_group_already_exists */
  async insert(manager: EntityManager, group: ModelGroupRecord): Promise<void> {
    const { models, ...columns } = group;
    try {
      await manager.getRepository(ModelGroup).insert(columns);
    } catch (error) {
      if (violatesUnique(error, 'model_groups_group_name_key'))
        throw modelGroupAlreadyExists(group.groupName);
      throw error;
    }
    await manager
      .getRepository(ModelGroupModel)
      .insert(models.map((model, position) => ({ ...model, position, modelGroupId: group.modelGroupId })));
  }

  async find(manager: EntityManager, groupName: string): Promise<ModelGroupRecord | null> {
    const group = await manager.getRepository(ModelGroup).findOneBy({ groupName });
    if (group === null) return null;
    const models = await manager.getRepository(ModelGroupModel).find({
      where: { modelGroupId: group.modelGroupId },
      order: { position: 'ASC' },
    });
    return { ...group, models };
  }

  async exists(manager: EntityManager, groupName: string): Promise<boolean> {
    return manager.getRepository(ModelGroup).existsBy({ groupName });
  }

  /** The ids of those names that exist. */
  async findIds(manager: EntityManager, groupNames: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const groups = await manager.getRepository(ModelGroup).findBy({ groupName: In(groupNames) });
    return new Map(groups.map((group) => [group.groupName, group.modelGroupId]));
  }

  /** @param modelGroupIds in the order of preference; the first is the team's default */
  async assign(manager: EntityManager, teamId: string, modelGroupIds: readonly string[]): Promise<void> {
    await manager
      .getRepository(TeamModelGroup)
      .insert(modelGroupIds.map((modelGroupId, position) => ({ teamId, modelGroupId, position })));
  }

  async listNamesOfTeam(manager: EntityManager, teamId: string): Promise<string[]> {
    const rows = await queryRows<{ group_name: string }>(
      manager,
      `SELECT model_groups.group_name
         FROM team_model_groups JOIN model_groups USING (model_group_id)
        WHERE team_id = $1 ORDER BY position`,
      [teamId],
    );
    return rows.map((row) => row.group_name);
  }

  /**
   * The named group of a team, or its first one, with its models in order.
   *
   * @param groupName null for the team's default
   */
  async findForTeam(
    manager: EntityManager,
    teamId: string,
    groupName: string | null,
  ): Promise<{ groupName: string; modelNames: string[] } | null> {
    const rows = await queryRows<{ group_name: string; model_names: string[] }>(
      manager,
      `SELECT model_groups.group_name,
              ARRAY(SELECT model_name FROM model_group_models
                     WHERE model_group_models.model_group_id = model_groups.model_group_id
                     ORDER BY model_group_models.position) AS model_names
         FROM team_model_groups JOIN model_groups USING (model_group_id)
        WHERE team_id = $1 AND ($2::varchar IS NULL OR group_name = $2)
        ORDER BY team_model_groups.position LIMIT 1`,
      [teamId, groupName],
    );
    const row = rows[0];
    return row === undefined ? null : { groupName: row.group_name, modelNames: row.model_names };
  }
}
