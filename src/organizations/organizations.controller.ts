import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { organizationNotFound } from '../common/access.errors.js';
import { Admin } from '../common/access.js';
import { ApiBodyErrors, ApiErrors, ApiPathIdentifier } from '../common/openapi.js';
import { PageQuery, toPageRequest } from '../common/page.query.js';
import { invalidCursor } from '../common/pagination.js';
import {
  OrganizationListResponse,
  OrganizationResponse,
  toOrganizationListResponse,
  toOrganizationResponse,
} from './organization.response.js';
import { UpdateOrganizationRequest } from './dto/update-organization.request.js';
import { OrganizationsService } from './organizations.service.js';

const ID = 'organization_id';
const NOT_FOUND = organizationNotFound('acme-corp');
const ApiOrganizationId = (): MethodDecorator => ApiPathIdentifier(ID, 'acme-corp');

@ApiTags('Organizations')
@Controller('api/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  @Get()
  @Admin()
  @ApiOperation({
    summary: 'Organizations, newest first',
    description: 'A page of all organizations, also of those that are suspended.',
  })
  @ApiOkResponse({ type: OrganizationListResponse })
  @ApiErrors(invalidCursor())
  async list(@Query() query: PageQuery): Promise<OrganizationListResponse> {
    return toOrganizationListResponse(await this.organizations.list(toPageRequest(query)));
  }

  @Get(`:${ID}`)
  @Admin()
  @ApiOrganizationId()
  @ApiOperation({
    summary: 'An organization',
    description: 'The organization as it is now. Its teams have a route of their own.',
  })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiErrors(NOT_FOUND)
  async get(@Param(ID) organizationId: string): Promise<OrganizationResponse> {
    return toOrganizationResponse(await this.organizations.get(organizationId));
  }

  @Put(`:${ID}`)
  @Admin()
  @ApiOrganizationId()
  @ApiOperation({
    summary: 'Change an organization',
    description: 'What is left out stays as it is; `metadata` is replaced as a whole.',
  })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiBodyErrors(NOT_FOUND)
  async update(
    @Param(ID) organizationId: string,
    @Body() request: UpdateOrganizationRequest,
  ): Promise<OrganizationResponse> {
    const organization = await this.organizations.update(organizationId, {
      ...(request.name != null && { name: request.name }),
      ...(request.metadata != null && { metadata: request.metadata }),
    });
    return toOrganizationResponse(organization);
  }

  @Put(`:${ID}/suspend`)
  @Admin()
  @ApiOrganizationId()
  @ApiOperation({
    summary: 'Refuse new jobs and calls of all teams of an organization',
    description:
      'From the next request on, on every replica. Running jobs can be completed, and everything read.',
  })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiBodyErrors(NOT_FOUND)
  async suspend(@Param(ID) organizationId: string): Promise<OrganizationResponse> {
    return toOrganizationResponse(await this.organizations.update(organizationId, { status: 'suspended' }));
  }

  @Put(`:${ID}/resume`)
  @Admin()
  @ApiOrganizationId()
  @ApiOperation({
    summary: 'Take new jobs and calls of the teams of an organization again',
    description: 'A team that is suspended itself stays so.',
  })
  @ApiOkResponse({ type: OrganizationResponse })
  @ApiBodyErrors(NOT_FOUND)
  async resume(@Param(ID) organizationId: string): Promise<OrganizationResponse> {
    return toOrganizationResponse(await this.organizations.update(organizationId, { status: 'active' }));
  }
}
