import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import type { CostVisibility, TeamStatus } from '../teams.types.js';

@Entity('teams')
@Index('teams_organization_id_idx', ['organizationId', 'createdAt', 'teamId'])
@Index('teams_created_at_idx', ['createdAt', 'teamId'])
@Check('teams_status_check', `status IN ('active', 'suspended', 'deleted')`)
@Check('teams_cost_visibility_check', `cost_visibility IN ('summary', 'none')`)
export class Team {
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'teams_pkey' })
  teamId!: string;

  @ForeignKey('Organization', { name: 'teams_organization_id_fkey' })
  @Column({ ...IDENTIFIER, name: 'organization_id' })
  organizationId!: string;

  @Column({ type: 'varchar', length: 256, name: 'team_alias', nullable: true })
  teamAlias!: string | null;

  @Column({ type: 'varchar', length: 16 })
  status!: TeamStatus;

  @Column({ type: 'varchar', length: 16, name: 'cost_visibility' })
  costVisibility!: CostVisibility;

  @Column({ type: 'jsonb' })
  metadata!: object;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
