import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { organizationNotFound } from '../common/access.errors.js';
import { Admin } from '../common/access.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import { modelGroupNotFound } from '../model-groups/model-groups.errors.js';
import { organizationAlreadyExists } from '../organizations/organizations.errors.js';
import {
  CreateOrganizationRequest,
  defaultTeamIdOf,
  toDefaultTeam,
} from './dto/create-organization.request.js';
import {
  CreatedOrganizationResponse,
  DefaultTeamResponse,
  toCreatedOrganizationResponse,
} from './dto/created-organization.response.js';
import { OrganizationTeamsResponse, toOrganizationTeamsResponse } from './dto/organization-teams.response.js';
import { OrganizationSetupService } from './organization-setup.service.js';
import { teamAlreadyExists } from './teams.errors.js';
import { TeamsService } from './teams.service.js';

/** What is asked of organizations and needs teams, of which `organizations` itself knows nothing. */
@ApiTags('Organizations')
@Controller('api/organizations')
export class OrganizationTeamsController {
  constructor(
    private readonly setup: OrganizationSetupService,
    private readonly teams: TeamsService,
  ) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({
    operationId: 'organizations_create',
    summary: 'Create an organization',
    description: 'With `create_default_team` it gets a team at once, in the same transaction.',
  })
  @ApiExtraModels(DefaultTeamResponse)
  @ApiOkResponse({ type: CreatedOrganizationResponse })
  @ApiBodyErrors(
    organizationAlreadyExists('acme-corp'),
    teamAlreadyExists(defaultTeamIdOf('acme-corp')),
    modelGroupNotFound('ChatFast'),
  )
  async create(@Body() request: CreateOrganizationRequest): Promise<CreatedOrganizationResponse> {
    const { organization, defaultTeam } = await this.setup.create(
      {
        organizationId: request.organization_id,
        name: request.name,
        metadata: request.metadata ?? {},
      },
      toDefaultTeam(request),
    );
    return toCreatedOrganizationResponse(organization, defaultTeam);
  }

  @Get(':organization_id/teams')
  @Admin()
  @ApiPathIdentifier('organization_id', 'acme-corp')
  @ApiOperation({
    operationId: 'organizations_teams',
    summary: 'Teams of an organization, newest first',
    description: 'Without the deleted ones; `team_count` counts all pages.',
  })
  @ApiOkResponse({ type: OrganizationTeamsResponse })
  @ApiErrors(organizationNotFound('acme-corp'), invalidCursor())
  async list(
    @Param('organization_id') organizationId: string,
    @Query() query: PageQuery,
  ): Promise<OrganizationTeamsResponse> {
    const { teamCount, page } = await this.teams.listOfOrganization(organizationId, toPageRequest(query));
    return toOrganizationTeamsResponse(organizationId, teamCount, page);
  }
}
