import { Column, Entity, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';

@Entity('organizations')
export class Organization {
  @PrimaryColumn({ ...IDENTIFIER, name: 'organization_id', primaryKeyConstraintName: 'organizations_pkey' })
  organizationId!: string;

  @Column({ type: 'varchar', length: 256 })
  name!: string;

  @Column({ type: 'jsonb' })
  metadata!: object;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
