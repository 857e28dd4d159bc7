import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin, OwnTeam, TEAM_PATH_PARAM } from '../common/access.js';
import { ApiBodyProblems, ApiProblems } from '../common/openapi.js';
import { CreateTeamRequest } from './dto/create-team.request.js';
import {
  CreatedTeamResponse,
  TeamResponse,
  TeamStatusResponse,
  toTeamResponse,
} from './dto/team.response.js';
import { TeamsService } from './teams.service.js';

@ApiTags('Teams')
@Controller('api/teams')
export class TeamsController {
  constructor(private readonly teams: TeamsService) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({ summary: 'Create a team with its groups, credits and key' })
  @ApiOkResponse({ type: CreatedTeamResponse })
  @ApiBodyProblems(404)
  async create(@Body() request: CreateTeamRequest): Promise<CreatedTeamResponse> {
    const { virtualKey, ...overview } = await this.teams.create({
      organizationId: request.organization_id,
      teamId: request.team_id,
      teamAlias: request.team_alias ?? null,
      modelGroups: request.model_groups,
      credits: request.credits_allocated ?? 0,
      costVisibility: request.cost_visibility ?? 'summary',
      metadata: request.metadata ?? {},
    });
    return { ...toTeamResponse(overview), virtual_key: virtualKey };
  }

  @Get(':team_id')
  @OwnTeam()
  @ApiOperation({ summary: 'A team' })
  @ApiOkResponse({ type: TeamResponse })
  @ApiProblems(404)
  async get(@Param(TEAM_PATH_PARAM) teamId: string): Promise<TeamResponse> {
    return toTeamResponse(await this.teams.getOverview(teamId));
  }

  @Put(':team_id/suspend')
  @Admin()
  @ApiOperation({ summary: 'Refuse new jobs and calls of a team' })
  @ApiOkResponse({ type: TeamStatusResponse })
  @ApiProblems(404)
  async suspend(@Param(TEAM_PATH_PARAM) teamId: string): Promise<TeamStatusResponse> {
    await this.teams.setStatus(teamId, 'suspended');
    return { team_id: teamId, status: 'suspended', message: `Team ${teamId} is suspended.` };
  }

  @Put(':team_id/resume')
  @Admin()
  @ApiOperation({ summary: 'Take new jobs and calls of a team again' })
  @ApiOkResponse({ type: TeamStatusResponse })
  @ApiProblems(404)
  async resume(@Param(TEAM_PATH_PARAM) teamId: string): Promise<TeamStatusResponse> {
    await this.teams.setStatus(teamId, 'active');
    return { team_id: teamId, status: 'active', message: `Team ${teamId} is active.` };
  }
}
