export const ORGANIZATION_STATUSES = ['active', 'suspended'] as const;
export type OrganizationStatus = (typeof ORGANIZATION_STATUSES)[number];

/** An organization as other modules see it. */
export interface OrganizationRecord {
  readonly organizationId: string;
  readonly name: string;
  readonly status: OrganizationStatus;
  readonly metadata: object;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is to change; what is left out stays. */
export type OrganizationChange = Partial<Pick<OrganizationRecord, 'name' | 'metadata' | 'status'>>;
