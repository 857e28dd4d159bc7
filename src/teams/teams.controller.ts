import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { organizationNotFound, teamDeleted, teamNotFound } from '../common/access.errors.js';
import { Admin, CurrentPrincipal, OwnTeam, type Principal, TEAM_PATH_PARAM } from '../common/access.js';
import { ArrayBodyPipe } from '../common/array-body.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { modelGroupNotFound } from '../model-groups/model-groups.errors.js';
import { CreateTeamRequest, toNewTeam } from './dto/create-team.request.js';
import { ListTeamsQuery } from './dto/list-teams.query.js';
import {
  CreatedTeamResponse,
  TeamListResponse,
  TeamModelGroupsResponse,
  TeamResponse,
  TeamStatusResponse,
  toCreatedTeamResponse,
  toTeamListResponse,
  toTeamResponse,
} from './dto/team.response.js';
import { MODEL_GROUP_NAMES_SCHEMA, ModelGroupNamesBody } from './dto/model-group-names.js';
import { UpdateTeamRequest } from './dto/update-team.request.js';
import { teamAlreadyExists } from './teams.errors.js';
import { TeamsService } from './teams.service.js';

const EXAMPLE = 'engineering-team';
const NOT_FOUND = teamNotFound(EXAMPLE);
const DELETED = teamDeleted(EXAMPLE);
const NO_GROUP = modelGroupNotFound('ChatFast');
const ApiTeamId = (): MethodDecorator => ApiPathIdentifier(TEAM_PATH_PARAM, EXAMPLE);

@ApiTags('Teams')
@Controller('api/teams')
export class TeamsController {
  constructor(private readonly teams: TeamsService) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({
    summary: 'Create a team with its groups, credits and key',
    description: 'All of it or nothing. The key is in this answer and in no other.',
  })
  @ApiOkResponse({ type: CreatedTeamResponse })
  @ApiBodyErrors(teamAlreadyExists(EXAMPLE), organizationNotFound('acme-corp'), NO_GROUP)
  async create(@Body() request: CreateTeamRequest): Promise<CreatedTeamResponse> {
    return toCreatedTeamResponse(await this.teams.create(toNewTeam(request)));
  }

  @Get()
  @Admin()
  @ApiOperation({
    summary: 'Teams, newest first',
    description: 'Deleted ones are listed with `status=deleted` only.',
  })
  @ApiOkResponse({ type: TeamListResponse })
  @ApiErrors(organizationNotFound('acme-corp'), invalidCursor())
  async list(@Query() query: ListTeamsQuery): Promise<TeamListResponse> {
    const filter = { organizationId: query.organization_id ?? null, status: query.status ?? null };
    return toTeamListResponse(await this.teams.list(filter, toPageRequest(query)));
  }

  @Get(`:${TEAM_PATH_PARAM}`)
  @OwnTeam()
  @ApiOperation({
    summary: 'A team',
    description: 'The team with its model groups and credits, and without its key.',
  })
  @ApiOkResponse({ type: TeamResponse })
  @ApiErrors(NOT_FOUND)
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param(TEAM_PATH_PARAM) teamId: string,
  ): Promise<TeamResponse> {
    return toTeamResponse(await this.teams.getOverview(teamId), principal.role);
  }

  @Put(`:${TEAM_PATH_PARAM}`)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Change a team',
    description: 'What is left out stays as it is; `metadata` is replaced as a whole.',
  })
  @ApiOkResponse({ type: TeamResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async update(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body() request: UpdateTeamRequest,
  ): Promise<TeamResponse> {
    const team = await this.teams.update(teamId, {
      ...(request.team_alias != null && { teamAlias: request.team_alias }),
      ...(request.cost_visibility != null && { costVisibility: request.cost_visibility }),
      ...(request.metadata != null && { metadata: request.metadata }),
    });
    return toTeamResponse(team);
  }

  @Put(`:${TEAM_PATH_PARAM}/model-groups`)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Replace the model groups of a team',
    description: 'The first serves calls that name none. Calls that run are not touched.',
  })
  @ApiBody({
    schema: { ...MODEL_GROUP_NAMES_SCHEMA, example: ['ChatFast', 'ChatAdvanced'] },
  })
  @ApiOkResponse({ type: TeamModelGroupsResponse })
  @ApiBodyErrors(NOT_FOUND, NO_GROUP, DELETED)
  async setModelGroups(
    @Param(TEAM_PATH_PARAM) teamId: string,
    @Body(new ArrayBodyPipe(ModelGroupNamesBody)) groupNames: string[],
  ): Promise<TeamModelGroupsResponse> {
    const { modelGroups } = await this.teams.setModelGroups(teamId, groupNames);
    const count = String(modelGroups.length);
    return {
      team_id: teamId,
      model_groups: [...modelGroups],
      message: `Team ${teamId} has ${count} model group(s).`,
    };
  }

  @Put(`:${TEAM_PATH_PARAM}/suspend`)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Refuse new jobs and calls of a team',
    description:
      'From the next request on, on every replica. Running jobs can be completed, and everything read.',
  })
  @ApiOkResponse({ type: TeamStatusResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async suspend(@Param(TEAM_PATH_PARAM) teamId: string): Promise<TeamStatusResponse> {
    await this.teams.update(teamId, { status: 'suspended' });
    return { team_id: teamId, status: 'suspended', message: `Team ${teamId} is suspended.` };
  }

  @Put(`:${TEAM_PATH_PARAM}/resume`)
  @Admin()
  @ApiTeamId()
  @ApiOperation({
    summary: 'Take new jobs and calls of a team again',
    description: 'Takes back a suspension; a team that has none stays as it is.',
  })
  @ApiOkResponse({ type: TeamStatusResponse })
  @ApiBodyErrors(NOT_FOUND, DELETED)
  async resume(@Param(TEAM_PATH_PARAM) teamId: string): Promise<TeamStatusResponse> {
    await this.teams.update(teamId, { status: 'active' });
    return { team_id: teamId, status: 'active', message: `Team ${teamId} is active.` };
  }
}
