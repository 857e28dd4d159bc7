import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Admin } from '../common/access.js';
import { ApiBodyProblems, ApiProblems } from '../common/openapi.js';
import { CreateOrganizationRequest } from './dto/create-organization.request.js';
import { OrganizationResponse, toOrganizationResponse } from './dto/organization.response.js';
import { OrganizationsService } from './organizations.service.js';

@ApiTags('Organizations')
@Controller('api/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  @Post('create')
  @HttpCode(200)
  @Admin()
  @ApiOperation({ summary: 'Create an organization' })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiBodyProblems()
  async create(@Body() request: CreateOrganizationRequest): Promise<OrganizationResponse> {
    const organization = await this.organizations.create({
      organizationId: request.organization_id,
      name: request.name,
      metadata: request.metadata ?? {},
    });
    return toOrganizationResponse(organization);
  }

  @Get(':organization_id')
  @Admin()
  @ApiOperation({ summary: 'An organization' })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiProblems(404)
  async get(@Param('organization_id') organizationId: string): Promise<OrganizationResponse> {
    return toOrganizationResponse(await this.organizations.get(organizationId));
  }
}
