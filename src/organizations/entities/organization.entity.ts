import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import type { OrganizationStatus } from '../organizations.types.js';

@Entity('organizations')
@Index('organizations_created_at_idx', ['createdAt', 'organizationId'])
@Check('organizations_status_check', `status IN ('active', 'suspended')`)
export class Organization {
  @PrimaryColumn({ ...IDENTIFIER, name: 'organization_id', primaryKeyConstraintName: 'organizations_pkey' })
  organizationId!: string;

  @Column({ type: 'varchar', length: 256 })
  name!: string;

  @Column({ type: 'varchar', length: 16 })
  status!: OrganizationStatus;

  @Column({ type: 'jsonb' })
  metadata!: object;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
