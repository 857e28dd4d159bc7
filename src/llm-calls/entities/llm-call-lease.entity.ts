import { Column, Entity, PrimaryColumn } from 'typeorm';
import { TIMESTAMP } from '../../database/columns.js';

/** A process that makes calls, and until when it is known to live. By the database's clock. */
@Entity('llm_call_leases')
export class LlmCallLease {
  @PrimaryColumn({ type: 'uuid', name: 'process_id', primaryKeyConstraintName: 'llm_call_leases_pkey' })
  processId!: string;

  @Column({ ...TIMESTAMP, name: 'expires_at' })
  expiresAt!: Date;
}
