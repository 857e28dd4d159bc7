import { ApiProperty } from '@nestjs/swagger';
import type { OrganizationRecord } from '../organizations.types.js';

export class OrganizationResponse {
  @ApiProperty({ type: String, example: 'acme-corp' })
  organization_id!: string;

  @ApiProperty({ type: String, example: 'Acme Corporation' })
  name!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { industry: 'technology' } })
  metadata!: object;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  updated_at!: string;
}

export function toOrganizationResponse(organization: OrganizationRecord): OrganizationResponse {
  return {
    organization_id: organization.organizationId,
    name: organization.name,
    metadata: organization.metadata,
    created_at: organization.createdAt.toISOString(),
    updated_at: organization.updatedAt.toISOString(),
  };
}
