import { Injectable } from '@nestjs/common';
import { type Principal, teamOf } from '../common/access.js';
import { JobsService, scopeOf } from '../jobs/jobs.service.js';
import { modelGroupNotFound } from '../model-groups/model-groups.errors.js';
import { ModelGroupsService } from '../model-groups/model-groups.service.js';
import type { ModelGroupRecord } from '../model-groups/model-groups.types.js';
import { TeamsService } from '../teams/teams.service.js';
import { type CallAddress, requireTeam } from './call-address.js';

/** As many as a team can have. */
const MAX_GROUPS = 100;

/** The model groups of a team, as OpenAI lists models. */
@Injectable()
export class OpenaiModelsService {
  constructor(
    private readonly jobs: JobsService,
    private readonly teams: TeamsService,
    private readonly modelGroups: ModelGroupsService,
  ) {}

  /**
   * Those that calls may name right now.
   *
   * @throws DomainError job_not_found, other_team; for the admin team_not_found, validation_failed
   */
  async list(principal: Principal, address: CallAddress): Promise<ModelGroupRecord[]> {
    const teamId = await this.teamIdOf(principal, address);
    const { data } = await this.modelGroups.list(teamId, { cursor: null, limit: MAX_GROUPS });
    return data.filter((group) => group.status === 'active');
  }

  /**
   * @throws DomainError as {@link list}, and model_group_not_found: the same whether the group does not exist
   * or is not the team's
   */
  async get(principal: Principal, address: CallAddress, groupName: string): Promise<ModelGroupRecord> {
    const groups = await this.list(principal, address);
    const group = groups.find((one) => one.groupName === groupName);
    if (group === undefined) throw modelGroupNotFound(groupName);
    return group;
  }

  private async teamIdOf(principal: Principal, address: CallAddress): Promise<string> {
    if (address.jobId !== null) return (await this.jobs.get(scopeOf(principal, address.jobId))).teamId;
    requireTeam(principal, address);
    const teamId = teamOf(principal, address.teamId);
    if (principal.role === 'admin') await this.teams.get(teamId);
    return teamId;
  }
}
