import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { TIMESTAMP } from '../../database/columns.js';
import { KEY_STATES, type KeyState } from '../idempotency.types.js';

/** A key that a caller has sent to a route, and the answer that it got. */
@Entity('idempotency_keys')
@Index('idempotency_keys_expires_at_idx', ['expiresAt'])
@Index('idempotency_keys_running_idx', ['claimId'], { where: `state = 'running'` })
@Check('idempotency_keys_state_check', `state IN (${KEY_STATES.map((state) => `'${state}'`).join(', ')})`)
@Check(
  'idempotency_keys_claim_check',
  `(state = 'running') = (claim_id IS NOT NULL) AND (state = 'running') = (lease_expires_at IS NOT NULL)`,
)
@Check('idempotency_keys_answer_check', `(state = 'stored') = (answer IS NOT NULL)`)
export class IdempotencyKey {
  /** `admin`, or `team:` and the team's id. */
  @PrimaryColumn({ type: 'varchar', length: 160, primaryKeyConstraintName: 'idempotency_keys_pkey' })
  caller!: string;

  /** Method and template of the path. */
  @PrimaryColumn({ type: 'varchar', length: 256, primaryKeyConstraintName: 'idempotency_keys_pkey' })
  route!: string;

  @PrimaryColumn({
    type: 'varchar',
    length: 255,
    name: 'idempotency_key',
    primaryKeyConstraintName: 'idempotency_keys_pkey',
  })
  key!: string;

  /** Of method, concrete path and body. */
  @Column({ type: 'bytea' })
  fingerprint!: Buffer;

  @Column({ type: 'varchar', length: 16 })
  state!: KeyState;

  /** Whose the row is while the request runs. */
  @Column({ type: 'uuid', name: 'claim_id', nullable: true })
  claimId!: string | null;

  /** Until then the request is known to run. By the database's clock. */
  @Column({ ...TIMESTAMP, name: 'lease_expires_at', nullable: true })
  leaseExpiresAt!: Date | null;

  /** Encrypted, see `AnswerCipher`. */
  @Column({ type: 'bytea', nullable: true })
  answer!: Buffer | null;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'expires_at' })
  expiresAt!: Date;
}
