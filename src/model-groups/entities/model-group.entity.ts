import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';
import type { ModelGroupStatus } from '../model-groups.types.js';

@Entity('model_groups')
@Index('model_groups_group_name_key', ['groupName'], { unique: true })
@Check('model_groups_status_check', `status IN ('active', 'inactive')`)
export class ModelGroup {
  @PrimaryColumn({ type: 'uuid', name: 'model_group_id', primaryKeyConstraintName: 'model_groups_pkey' })
  modelGroupId!: string;

  @Column({ ...IDENTIFIER, name: 'group_name' })
  groupName!: string;

  @Column({ type: 'varchar', length: 256, name: 'display_name' })
  displayName!: string;

  @Column({ type: 'varchar', length: 2048, nullable: true })
  description!: string | null;

  @Column({ type: 'varchar', length: 16 })
  status!: ModelGroupStatus;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'updated_at' })
  updatedAt!: Date;
}
