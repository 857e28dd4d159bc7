import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER } from '../../database/columns.js';
import { ModelGroup } from './model-group.entity.js';

/** A group that a team may use. The one at position 0 serves calls that name none. */
@Entity('team_model_groups')
@Index('team_model_groups_model_group_id_idx', ['modelGroupId'])
export class TeamModelGroup {
  @ForeignKey('Team', { name: 'team_model_groups_team_id_fkey' })
  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'team_model_groups_pkey' })
  teamId!: string;

  @ForeignKey(() => ModelGroup, { name: 'team_model_groups_model_group_id_fkey' })
  @PrimaryColumn({ type: 'uuid', name: 'model_group_id', primaryKeyConstraintName: 'team_model_groups_pkey' })
  modelGroupId!: string;

  @Column({ type: 'smallint' })
  position!: number;
}
