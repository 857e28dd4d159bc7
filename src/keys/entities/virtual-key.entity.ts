import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';

@Entity('virtual_keys')
@Index('virtual_keys_key_hash_key', ['keyHash'], { unique: true })
@Index('virtual_keys_team_id_idx', ['teamId'])
export class VirtualKey {
  @PrimaryColumn({ type: 'uuid', name: 'key_id', primaryKeyConstraintName: 'virtual_keys_pkey' })
  keyId!: string;

  @ForeignKey('Team', { name: 'virtual_keys_team_id_fkey' })
  @Column({ ...IDENTIFIER, name: 'team_id' })
  teamId!: string;

  /** SHA-256 of the key. The key itself is random enough that a slow hash would add nothing. */
  @Column({ type: 'bytea', name: 'key_hash' })
  keyHash!: Buffer;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
