import { Injectable } from '@nestjs/common';
import { type Principal, teamOf } from '../common/access.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import { TeamsService } from './teams.service.js';

export interface ModelGroupAccess {
  readonly hasAccess: boolean;
  /** What stands behind the group, as far as the caller may know: the first is tried first. */
  readonly names: readonly string[];
}

/** Tells whether a team may use a group. */
@Injectable()
export class ModelGroupAccessService {
  constructor(
    private readonly teams: TeamsService,
    private readonly modelGroups: ModelGroupsService,
  ) {}

  /**
   * @param named may be null with a team key, which then names the team
   * @throws DomainError other_team; for the admin team_not_found, model_group_not_found, validation_failed
   */
  async resolve(principal: Principal, groupName: string, named: string | null): Promise<ModelGroupAccess> {
    const teamId = teamOf(principal, named);
    const hasAccess = await this.modelGroups.isUsableBy(teamId, groupName);
    if (principal.role === 'team') return { hasAccess, names: hasAccess ? [groupName] : [] };
    await this.teams.get(teamId);
    const { models } = await this.modelGroups.get(groupName);
    return { hasAccess, names: models.filter((model) => model.isActive).map((model) => model.modelName) };
  }
}
