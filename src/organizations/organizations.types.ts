/** An organization as other modules see it. */
export interface OrganizationRecord {
  readonly organizationId: string;
  readonly name: string;
  readonly metadata: object;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
