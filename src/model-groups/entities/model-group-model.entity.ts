import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { ModelGroup } from './model-group.entity.js';

/** One real model behind a group. Its position is the order in which models are tried. */
@Entity('model_group_models')
@Check('model_group_models_weight_check', `weight > 0`)
export class ModelGroupModel {
  @ForeignKey(() => ModelGroup, { name: 'model_group_models_model_group_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({
    type: 'uuid',
    name: 'model_group_id',
    primaryKeyConstraintName: 'model_group_models_pkey',
  })
  modelGroupId!: string;

  @PrimaryColumn({ type: 'smallint', primaryKeyConstraintName: 'model_group_models_pkey' })
  position!: number;

  @Column({ type: 'varchar', length: 256, name: 'model_name' })
  modelName!: string;

  /** As the admin gave it: 0 is tried first, equals in the order they were given. */
  @Column({ type: 'integer' })
  priority!: number;

  /** Its share of the calls among models of the same priority. */
  @Column({ type: 'integer' })
  weight!: number;

  /** One that is not is left out of calls. */
  @Column({ type: 'boolean', name: 'is_active' })
  isActive!: boolean;
}
