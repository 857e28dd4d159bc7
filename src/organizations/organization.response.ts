import { ApiProperty } from '@nestjs/swagger';
import { PageResponse, toPageResponse } from '../common/page.response.js';
import type { Page } from '../common/pagination.js';
import {
  ORGANIZATION_STATUSES,
  type OrganizationRecord,
  type OrganizationStatus,
} from './organizations.types.js';

/** An organization on the wire; its creation, which is in `teams`, answers with it, too. */
export class OrganizationResponse {
  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: String, example: 'Acme Corporation' })
  name!: string;

  @ApiProperty({
    type: String,
    enum: ORGANIZATION_STATUSES,
    description: '`suspended`: no new jobs and calls of its teams',
    example: 'active',
  })
  status!: OrganizationStatus;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { industry: 'technology' } })
  metadata!: object;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export class OrganizationListResponse extends PageResponse {
  @ApiProperty({ type: [OrganizationResponse], description: 'Newest first' })
  data!: OrganizationResponse[];
}

export function toOrganizationListResponse(page: Page<OrganizationRecord>): OrganizationListResponse {
  return { data: page.data.map(toOrganizationResponse), ...toPageResponse(page) };
}

export function toOrganizationResponse(organization: OrganizationRecord): OrganizationResponse {
  return {
    organization_id: organization.organizationId,
    name: organization.name,
    status: organization.status,
    metadata: organization.metadata,
    created_at: organization.createdAt.toISOString(),
    updated_at: organization.updatedAt.toISOString(),
  };
}
