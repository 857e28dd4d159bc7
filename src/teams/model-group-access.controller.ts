import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { otherTeam, teamNotFound } from '../common/access.errors.js';
import { CurrentPrincipal, type Principal, Team } from '../common/access.js';
import { ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { modelGroupNotFound } from '../model-groups/model-groups.errors.js';
import { ModelGroupAccessService } from './model-group-access.service.js';
import { ResolvedModelGroupResponse, ResolveModelGroupQuery } from './dto/resolve-model-group.js';

/** What is asked of a model group and needs a team, of which `model-groups` itself knows nothing. */
@ApiTags('Model groups')
@Controller('api/model-groups')
export class ModelGroupAccessController {
  constructor(private readonly access: ModelGroupAccessService) {}

  @Get(':group_name/resolve')
  @Team()
  @ApiPathIdentifier('group_name', 'ChatFast')
  @ApiOperation({
    operationId: 'model_groups_resolve',
    summary: 'Whether a team may use a group, and what is behind it',
    description:
      "The models are for the admin key only: to a team the group's own name stands for what is behind it, " +
      'and a group that it may not use looks the same as one that does not exist.',
  })
  @ApiOkResponse({ type: ResolvedModelGroupResponse })
  @ApiErrors(otherTeam(), teamNotFound('engineering-team'), modelGroupNotFound('ChatFast'))
  async resolve(
    @CurrentPrincipal() principal: Principal,
    @Param('group_name') groupName: string,
    @Query() query: ResolveModelGroupQuery,
  ): Promise<ResolvedModelGroupResponse> {
    const found = await this.access.resolve(principal, groupName, query.team_id ?? null);
    return {
      group_name: groupName,
      team_has_access: found.hasAccess,
      primary_model: found.names[0] ?? null,
      fallback_models: found.names.slice(1),
    };
  }
}
